"""What people in the nation are called. Common Thai names, put together by chance: no real person is meant."""

from __future__ import annotations

from sandbox.people import Words


def _pairs(text: str) -> tuple[Words, ...]:
    words = text.split()
    return tuple(Words(th=th, en=en) for th, en in zip(words[::2], words[1::2], strict=True))


MEN = _pairs("""
    กมล Kamon กฤษณะ Kritsana กฤษฎา Kritsada กวิน Kawin ก้องภพ Kongphop กิตติ Kitti กิตติพงษ์ Kittiphong เกษม Kasem
    เกรียงไกร Kriangkrai เกียรติศักดิ์ Kiattisak โกวิท Kowit ไกรสร Kraison ขจร Khachon ขวัญชัย Khwanchai คมสัน Khomsan
    คมกริช Khomkrit จตุพร Chatuphon จรัญ Charan จักรกฤษณ์ Chakkrit จักรพงษ์ Chakkraphong จารุวัฒน์ Charuwat จิรวัฒน์ Chirawat
    จิรายุ Chirayu เจริญ Charoen เจษฎา Chetsada ฉลอง Chalong ฉัตรชัย Chatchai เฉลิม Chaloem เฉลิมพล Chaloemphon ชนะ Chana
    ชนาธิป Chanathip ชยพล Chayaphon ชวลิต Chawalit ชัชวาล Chatchawan ชัยพร Chaiphon ชัยวัฒน์ Chaiwat ชาญชัย Chanchai
    ชาญณรงค์ Channarong ชาตรี Chatri ชูชาติ Chuchat ชูเกียรติ Chukiat เชาว์ Chao ไชยา Chaiya ฐากูร Thakun ฐิติพงศ์ Thitiphong
    ณรงค์ Narong ณรงค์ฤทธิ์ Narongrit ณัฐพล Natthaphon ณัฐพงษ์ Natthaphong ณัฐวุฒิ Natthawut ดนัย Danai ดำรง Damrong ดิเรก Direk
    เดชา Decha ต่อศักดิ์ Tosak ตุลา Tula ถนอม Thanom ถาวร Thawon ทรงพล Songphon ทรงศักดิ์ Songsak ทวี Thawi ทวีศักดิ์ Thawisak
    ทองดี Thongdi ทินกร Thinnakon เทพ Thep เทอดศักดิ์ Thoetsak ธงชัย Thongchai ธนกร Thanakon ธนพล Thanaphon ธนวัฒน์ Thanawat
    ธนา Thana ธรรมรัตน์ Thammarat ธวัช Thawat ธวัชชัย Thawatchai ธีรพงษ์ Thiraphong ธีรเดช Thiradet ธีรภัทร Thiraphat นพดล Noppadon
    นพพร Noppon นรินทร์ Narin นเรศ Naret นิคม Nikhom นิพนธ์ Niphon นิรันดร์ Niran นิวัฒน์ Niwat บรรจง Banchong บัญชา Bancha
    บุญเลิศ Bunloet บุญมี Bunmi บุญส่ง Bunsong บุญชู Bunchu ประจักษ์ Prachak ประดิษฐ์ Pradit ประทีป Prathip ประพันธ์ Praphan
    ประวิทย์ Prawit ประสาท Prasat ประสิทธิ์ Prasit ประเสริฐ Prasoet ปรีชา Pricha ปรเมศวร์ Poramet ปัญญา Panya ปิยะ Piya
    ปิติ Piti ปฐมพงษ์ Pathomphong พงศกร Phongsakon พงษ์ศักดิ์ Phongsak พรชัย Phonchai พลวัต Phonlawat พัฒนา Phatthana
    พิชัย Phichai พิเชษฐ์ Phichet พิทักษ์ Phithak พีรพล Phiraphon พีระ Phira เพชร Phet ไพโรจน์ Phairot ไพบูลย์ Phaibun
    ภาคภูมิ Phakphum ภานุพงศ์ Phanuphong ภูมิ Phum ภูวดล Phuwadon มงคล Mongkhon มนตรี Montri มนัส Manat มานพ Manop
    มานะ Mana มานิตย์ Manit มาโนช Manot ยงยุทธ Yongyut ยุทธนา Yutthana รณชัย Ronnachai รังสรรค์ Rangsan ราเชนทร์ Rachen
    เรวัต Rewat วรพล Woraphon วรวุฒิ Worawut วสันต์ Wasan วัชระ Watchara วัฒนา Watthana วิเชียร Wichian วิทยา Witthaya
    วินัย Winai วิบูลย์ Wibun วิโรจน์ Wirot วิวัฒน์ Wiwat วิษณุ Witsanu วีรชัย Wirachai วีระ Wira วุฒิชัย Wutthichai ศรายุทธ Sarayut
    ศักดา Sakda ศักดิ์ชัย Sakchai ศิริชัย Sirichai ศุภชัย Suphachai สกล Sakon สงคราม Songkhram สถาพร Sathaphon สมเกียรติ Somkiat
    สมคิด Somkhit สมชาย Somchai สมบัติ Sombat สมบูรณ์ Sombun สมพงษ์ Somphong สมศักดิ์ Somsak สมหมาย Sommai สราวุธ Sarawut
    สันติ Santi สาโรจน์ Sarot สำราญ Samran สิทธิชัย Sitthichai สุชาติ Suchat สุทธิ Sutthi สุนทร Sunthon สุพจน์ Suphot
    สุรชัย Surachai สุรพล Suraphon สุรศักดิ์ Surasak สุวรรณ Suwan เสกสรร Seksan เสน่ห์ Sane เสรี Seri โสภณ Sophon
    องอาจ Ongat อดิศักดิ์ Adisak อดุลย์ Adun อนันต์ Anan อนุชา Anucha อภิชาติ Aphichat อภิสิทธิ์ Aphisit อรรถพล Atthaphon
    อาคม Akhom อานนท์ Anon อำนาจ Amnat อิทธิพล Itthiphon อุดม Udom เอกชัย Ekkachai เอกพล Ekkaphon โอภาส Ophat
""")

WOMEN = _pairs("""
    กชกร Kotchakon กนกวรรณ Kanokwan กมลชนก Kamonchanok กรรณิการ์ Kannika กฤติยา Krittiya กัญญา Kanya กัญญารัตน์ Kanyarat
    กาญจนา Kanchana กานดา Kanda กิ่งแก้ว Kingkaeo กุลธิดา Kunthida เกศินี Kesini เกสร Keson แก้วตา Kaeota ขนิษฐา Khanittha
    ขวัญใจ Khwanchai ขวัญเรือน Khwanruean เครือวัลย์ Khrueawan จงรักษ์ Chongrak จันทนา Chanthana จันทร์เพ็ญ Chanphen จันจิรา Chanchira
    จารุณี Charuni จารุวรรณ Charuwan จำเนียร Chamnian จินดา Chinda จินตนา Chintana จิราพร Chiraphon จิราภรณ์ Chiraphorn จุฑามาศ Chuthamat
    จุรีรัตน์ Churirat ฉวีวรรณ Chawiwan ชญานิศ Chayanit ชนิดา Chanida ชลธิชา Chonthicha ชลลดา Chonlada ชุติมา Chutima ชูใจ Chuchai
    ชูศรี Chusi ฐิติมา Thitima ณัฐกานต์ Natthakan ณัฐชา Natcha ณัฐธิดา Natthida ณิชา Nicha ดวงแก้ว Duangkaeo ดวงใจ Duangchai
    ดวงพร Duangphon ดารุณี Daruni ดารา Dara ดาวเรือง Daorueang ถนอมศรี Thanomsi ถวิล Thawin ทองคำ Thongkham ทองใบ Thongbai
    ทัศนีย์ Thatsani ทิพวรรณ Thipphawan ธนพร Thanaphon ธัญญา Thanya ธัญชนก Thanchanok ธิดา Thida ธิดารัตน์ Thidarat นงนุช Nongnut
    นงลักษณ์ Nonglak นภา Napha นภัสสร Naphatson นวลจันทร์ Nuanchan นันทนา Nanthana นันทพร Nanthaphon นารี Nari นิตยา Nittaya
    นิภา Nipha นิรมล Niramon นุชนาฏ Nutchanat เนตรนภา Netnapha น้ำทิพย์ Namthip น้ำฝน Namfon บังอร Bang-on บัวผัน Buaphan
    บานเย็น Banyen บุญเรือน Bunruean บุญยืน Bunyuen บุษบา Butsaba บุปผา Buppha เบญจมาศ Benchamat เบญจวรรณ Benchawan ปณิตา Panita
    ปทุมวดี Pathumwadi ประคอง Prakhong ประทุม Prathum ประนอม Pranom ประภา Prapha ประภาพร Praphaphon ปราณี Prani ปรียา Priya
    ปวีณา Pawina ปาริชาติ Parichat ปิยะนุช Piyanut ปิยวรรณ Piyawan ผกามาศ Phakamat ผ่องศรี Phongsi พนิดา Phanida พรทิพย์ Phonthip
    พรพิมล Phonphimon พรรณี Phanni พวงเพ็ญ Phuangphen พัชรา Phatchara พัชรินทร์ Phatcharin พัชรี Phatchari พิกุล Phikun พิมพ์ใจ Phimchai
    พิมพา Phimpha พิมลพรรณ Phimonphan เพ็ญศรี Phensi เพ็ญนภา Phennapha เพียงใจ Phiangchai ภัทรา Phatthra ภัทรวดี Phatthrawadi ภาวนา Phawana
    ภาวิณี Phawini มณี Mani มณีรัตน์ Manirat มยุรี Mayuri มะลิ Mali มัลลิกา Manlika มาลัย Malai มาลี Mali มานี Mani
    เมตตา Metta เมธาวี Methawi ยุพา Yupha ยุพิน Yuphin ยุวดี Yuwadi เยาวลักษณ์ Yaowalak รจนา Rotchana รวีวรรณ Rawiwan
    รสสุคนธ์ Rotsukhon รัชนี Ratchani รัตนา Rattana รัตนาภรณ์ Rattanaphon รุ่งทิวา Rungthiwa รุ่งนภา Rungnapha เรณู Renu เรวดี Rewadi
    ละออ La-o ลัดดา Ladda ลำดวน Lamduan ลำพูน Lamphun วนิดา Wanida วรรณา Wanna วรรณภา Wannapha วรรณี Wanni
    วรางคณา Warangkhana วราภรณ์ Waraphon วลัยพร Walaiphon วันดี Wandi วันเพ็ญ Wanphen วาสนา Watsana วารี Wari วิภา Wipha
    วิภาวดี Wiphawadi วิมล Wimon วิไล Wilai วิไลวรรณ Wilaiwan ศรีสุดา Sisuda ศศิธร Sasithon ศิรินภา Sirinapha ศิริพร Siriphon
    ศิริวรรณ Siriwan ศุภลักษณ์ Suphalak สมจิตร Somchit สมใจ Somchai สมทรง Somsong สมพร Somphon สมศรี Somsi สายใจ Saichai
    สายฝน Saifon สายสุนีย์ Saisuni สาวิตรี Sawittri สำเนียง Samniang สิริมา Sirima สุกัญญา Sukanya สุจิตรา Suchittra สุชาดา Suchada
    สุดา Suda สุดารัตน์ Sudarat สุธิดา Suthida สุนันทา Sunantha สุนิสา Sunisa สุนีย์ Suni สุพรรณี Suphanni สุภา Supha
    สุภาพร Suphaphon สุภาวดี Suphawadi สุมาลี Sumali สุรีย์ Suri สุวรรณา Suwanna สุวิมล Suwimon เสาวลักษณ์ Saowalak แสงเดือน Saengduean
    โสภา Sopha หทัยรัตน์ Hathairat อทิตยา Athittaya อนงค์ Anong อภิญญา Aphinya อมรรัตน์ Amonrat อรทัย Orathai อรพรรณ Oraphan
    อรวรรณ Orawan อรอนงค์ Ora-nong อรุณี Aruni อัจฉรา Atchara อัญชลี Anchali อารี Ari อารีรัตน์ Arirat อุไร Urai
    อุไรวรรณ Uraiwan อุบล Ubon อุษา Usa เอมอร Em-on
""")

SURNAMES = _pairs("""
    กล้าหาญ Klahan กล้าเรียน Klarian กลิ่นหอม Klinhom กองแก้ว Kongkaeo กาญจนวงศ์ Kanchanawong กิ่งทอง Kingthong
    กิตติวงศ์ Kittiwong เกตุแก้ว Ketkaeo เกษมสุข Kasemsuk แก้วกล้า Kaeokla แก้วคำ Kaeokham แก้วใส Kaeosai แก้วมณี Kaeomani
    แก้ววงศ์ Kaeowong ขวัญเมือง Khwanmueang ขันทอง Khanthong เขียวขจี Khiaokhachi คงทน Khongthon คงมั่น Khongman คงสุข Khongsuk
    คำแก้ว Khamkaeo คำดี Khamdi คำมูล Khammun เครือแก้ว Khrueakaeo งามขำ Ngamkham งามดี Ngamdi งามสม Ngamsom งามสง่า Ngamsanga
    จงเจริญ Chongcharoen จันทร์แก้ว Chankaeo จันทร์เจริญ Chancharoen จันทร์ดี Chandi จันทร์หอม Chanhom จันทวงศ์ Chanthawong
    จำปาทอง Champathong จำรัสศรี Chamratsi จิตตรง Chittrong จิตดี Chitdi จิตรใส Chitsai เจริญผล Charoenphon เจริญพร Charoenphon
    เจริญสุข Charoensuk ใจกว้าง Chaikwang ใจเย็น Chaiyen ใจงาม Chaingam ใจซื่อ Chaisue ใจดี Chaidi ใจตรง Chaitrong ใจบุญ Chaibun
    ใจมั่น Chaiman ใจสว่าง Chaisawang ชมชื่น Chomchuen ชมภู Chomphu ชัยมงคล Chaimongkhon ชัยวงศ์ Chaiwong ชาวนา Chaona ชาวสวน Chaosuan
    ชื่นใจ Chuenchai ชื่นบาน Chuenban ชุ่มเย็น Chumyen ชูศักดิ์ Chusak เชื้อดี Chueadi เชื้อทอง Chueathong
    ดวงแก้ว Duangkaeo ดวงดี Duangdi ดวงจันทร์ Duangchan ดอกไม้ Dokmai ดีงาม Dingam ดีพร้อม Diphrom ดีสมบูรณ์ Disombun
    เดชดี Detdi แดงงาม Daengngam ตรงใจ Trongchai ตั้งใจ Tangchai ตั้งมั่น Tangman ต้นกล้า Tonkla เต็มใจ Temchai ถิ่นไทย Thinthai
    ถิ่นทอง Thinthong ทรงธรรม Songtham ทรัพย์มาก Sapmak ทรัพย์สมบูรณ์ Sapsombun ทวีทรัพย์ Thawisap ทองแก้ว Thongkaeo
    ทองคำ Thongkham ทองใบ Thongbai ทองประเสริฐ Thongprasoet ทองมี Thongmi ทองสุข Thongsuk ทองอินทร์ Thong-in เทพวงศ์ Thepwong
    เทียนทอง Thianthong ธรรมดี Thamdi ธรรมวงศ์ Thammawong ธารทอง Thanthong นวลจันทร์ Nuanchan นาคทอง Nakthong นาคสุข Naksuk
    นามดี Namdi นามวงศ์ Namwong นาทอง Nathong นิลงาม Ninngam น้อยใจดี Noichaidi น้ำใส Namsai บัวแก้ว Buakaeo บัวงาม Buangam
    บัวทอง Buathong บุญเกิด Bunkoet บุญชู Bunchu บุญเติม Buntoem บุญทวี Bunthawi บุญประเสริฐ Bunprasoet บุญมา Bunma บุญมี Bunmi
    บุญยืน Bunyuen บุญรอด Bunrot บุญเรือง Bunrueang บุญส่ง Bunsong ประกอบสุข Prakopsuk ประทุมทอง Prathumthong ประสงค์ดี Prasongdi
    ปัญญาดี Panyadi ปัญญาวงศ์ Panyawong ปานทอง Panthong ปิ่นแก้ว Pinkaeo ปิ่นทอง Pinthong ปลูกรัก Plukrak ผลดี Phondi
    ผลเจริญ Phoncharoen ผ่องใส Phongsai ผิวงาม Phiongam พรมดี Phromdi พรหมวงศ์ Phromwong พลอยงาม Phloingam พลายแก้ว Phlaikaeo
    พวงทอง Phuangthong พงษ์ดี Phongdi พูนผล Phunphon พูนทรัพย์ Phunsap พูนสุข Phunsuk พึ่งบุญ Phuengbun พุทธวงศ์ Phutthawong
    พุ่มพวง Phumphuang เพชรงาม Phetngam เพชรดี Phetdi เพียรดี Phiandi เพียรทำ Phiantham แพรทอง Phraethong โพธิ์ทอง Phothong
    โพธิ์ศรี Phosi ฟองจันทร์ Fongchan ฟ้าใส Fasai ภักดี Phakdi ภูมิดี Phumdi ภูทอง Phuthong มงคลชัย Mongkhonchai มณีวงศ์ Maniwong
    มะลิวัลย์ Maliwan มั่งมี Mangmi มั่นคง Mankhong มาลัยทอง Malaithong มาลีหอม Malihom มีโชค Michok มีชัย Michai มีทรัพย์ Misap
    มีบุญ Mibun มีสุข Misuk มูลศรี Munsi เมฆขาว Mekkhao เมืองแก้ว Mueangkaeo เมืองมูล Mueangmun ยอดดี Yotdi ยอดแก้ว Yotkaeo
    ยิ้มแย้ม Yimyaem ยิ้มงาม Yimngam ยืนยง Yuenyong เย็นใจ Yenchai เย็นฉ่ำ Yencham รักเกียรติ Rakkiat รักงาน Rakngan
    รักชาติ Rakchat รักดี Rakdi รักเรียน Rakrian รักษา Raksa รัตนวงศ์ Rattanawong ราตรี Ratri รุ่งแสง Rungsaeng รุ่งเรือง Rungrueang
    เรืองชัย Rueangchai เรืองศรี Rueangsi ร่มเย็น Romyen ร่มโพธิ์ Rompho ลอยฟ้า Loifa ลาภมาก Lapmak เลิศล้ำ Loetlam
    วงศ์แก้ว Wongkaeo วงศ์ใหญ่ Wongyai วงศ์ดี Wongdi วงศ์งาม Wongngam วงษ์ทอง Wongthong วรรณทอง Wannathong วันดี Wandi วารีใส Warisai
    วิเศษ Wiset ศรีแก้ว Sikaeo ศรีเงิน Singoen ศรีงาม Singam ศรีจันทร์ Sichan ศรีทอง Sithong ศรีนวล Sinuan ศรีบุญ Sibun
    ศรีวงศ์ Siwong ศรีสวัสดิ์ Sisawat ศรีสุข Sisuk ศรีใส Sisai ศักดิ์ดี Sakdi ศิริมงคล Sirimongkhon ศิลาทอง Silathong สมบูรณ์ Sombun
    สมใจนึก Somchainuek สมหวัง Somwang สายทอง Saithong สายบุญ Saibun สายลม Sailom สายสมุทร Saisamut สิงห์ทอง Singthong
    สุขเกษม Sukkasem สุขใจ Sukchai สุขเจริญ Sukcharoen สุขดี Sukdi สุขประเสริฐ Sukprasoet สุขมาก Sukmak สุขสบาย Suksabai
    สุขสม Suksom สุขสวัสดิ์ Suksawat สุขสำราญ Suksamran สุวรรณ Suwan สุวรรณวงศ์ Suwannawong สู้ชีวิต Suchiwit แสงแก้ว Saengkaeo
    แสงจันทร์ Saengchan แสงดาว Saengdao แสงทอง Saengthong แสงสว่าง Saengsawang แสงอรุณ Saeng-arun แสนดี Saendi แสนสุข Saensuk
    หงษ์ทอง Hongthong หนูแก้ว Nukaeo หวังดี Wangdi หอมหวาน Homwan หาญกล้า Hankla อยู่ดี Yudi อยู่เย็น Yuyen อยู่สุข Yusuk
    อ่อนน้อม On-nom อ่อนหวาน Onwan อาจหาญ Athan อินทร์แก้ว Inkaeo อินทร์ดี Indi อินทวงศ์ Inthawong อิ่มเอม Imem อิ่มใจ Imchai
    อุดมผล Udomphon อุดมสุข Udomsuk อุ่นใจ Unchai อุ่นเรือน Unruean เอี่ยมสะอาด Iamsa-at
""")

# People from next door, as a Thai clerk writes them down.
FOREIGN_MEN = _pairs("""
    อองโซ Aung-Soe มินทุน Min-Tun ซอวิน Zaw-Win จ่อตู Kyaw-Thu ไซหลาว Sai-Lao จายแลง Sai-Leng ตานอู Than-Oo เนวิน Nay-Win
    บุนมี Bounmy คำพัน Khamphan สมสัก Somsack วันนา Vanna โสภา Sophea สุขา Sokha ดารา Dara วิเชษฐ์ Vichet
""")
FOREIGN_WOMEN = _pairs("""
    ขิ่นเมียว Khin-Myo เอเอ Aye-Aye ซูซู Su-Su ตินตินวิน Tin-Tin-Win นางแสงหล้า Nang-Saeng-La นางคำ Nang-Kham มะละ Mar-Lar เหมียวนุ Myo-Nu
    แก้วมะนี Keomany จันทะลา Chanthala บัวลา Bouala สีพัน Siphan จันทา Chantha สรีมุม Sreymom สุเพียบ Sopheap โบพา Bopha
""")
FOREIGN_SURNAMES = _pairs("""
    ทุน Htun ลวิน Lwin หม่อง Maung เมียว Myo ลุงหลาว Lung-Lao แสงคำ Saeng-Kham พมมะจัน Phommachan สีสุวัน Sisouvanh
    วงพะจัน Vongphachan แก้วบัวพา Keobouapha เจีย Chea เสง Seng สุข Sok เมียส Meas แก้ว Keo ฮอง Hong
""")

_BOY, _GIRL = Words(th="เด็กชาย", en="Master"), Words(th="เด็กหญิง", en="Miss")
_MAN, _UNMARRIED, _WIFE = Words(th="นาย", en="Mr."), Words(th="นางสาว", en="Miss"), Words(th="นาง", en="Mrs.")


def title_of(sex: str, *, age: int, marital_status: str) -> Words:
    """Children's titles end at fifteen; since 2008 a wife may choose, and most here keep to the old way."""
    if age < 15:
        return _BOY if sex == "male" else _GIRL
    if sex == "male":
        return _MAN
    return _WIFE if marital_status in ("married", "widowed") else _UNMARRIED
