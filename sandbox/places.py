"""Where people in the nation live and are treated.

The 77 provinces and the two digits of their codes are real, and so is the name of each one's first district. Every
other district, every subdistrict and every hospital is invented, and the codes of care units all begin with 99, so
that nobody takes one for a place to be brought to.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.people import Address, Hospital, Words

DISTRICTS = 4  # in each province …
SUBDISTRICTS = 3  # … and in each of its districts
HOSPITALS = 3

BANGKOK = "10"

# Code, Thai name, English name, registered people in thousands.
_PROVINCES = """
10 กรุงเทพมหานคร Bangkok 5456
11 สมุทรปราการ Samut_Prakan 1375
12 นนทบุรี Nonthaburi 1310
13 ปทุมธานี Pathum_Thani 1225
14 พระนครศรีอยุธยา Phra_Nakhon_Si_Ayutthaya 821
15 อ่างทอง Ang_Thong 271
16 ลพบุรี Lop_Buri 730
17 สิงห์บุรี Sing_Buri 199
18 ชัยนาท Chai_Nat 314
19 สระบุรี Saraburi 637
20 ชลบุรี Chon_Buri 1620
21 ระยอง Rayong 770
22 จันทบุรี Chanthaburi 535
23 ตราด Trat 227
24 ฉะเชิงเทรา Chachoengsao 732
25 ปราจีนบุรี Prachin_Buri 499
26 นครนายก Nakhon_Nayok 260
27 สระแก้ว Sa_Kaeo 560
30 นครราชสีมา Nakhon_Ratchasima 2620
31 บุรีรัมย์ Buri_Ram 1570
32 สุรินทร์ Surin 1360
33 ศรีสะเกษ Si_Sa_Ket 1445
34 อุบลราชธานี Ubon_Ratchathani 1865
35 ยโสธร Yasothon 527
36 ชัยภูมิ Chaiyaphum 1110
37 อำนาจเจริญ Amnat_Charoen 373
38 บึงกาฬ Bueng_Kan 420
39 หนองบัวลำภู Nong_Bua_Lam_Phu 507
40 ขอนแก่น Khon_Kaen 1775
41 อุดรธานี Udon_Thani 1555
42 เลย Loei 635
43 หนองคาย Nong_Khai 513
44 มหาสารคาม Maha_Sarakham 935
45 ร้อยเอ็ด Roi_Et 1280
46 กาฬสินธุ์ Kalasin 965
47 สกลนคร Sakon_Nakhon 1143
48 นครพนม Nakhon_Phanom 712
49 มุกดาหาร Mukdahan 350
50 เชียงใหม่ Chiang_Mai 1800
51 ลำพูน Lamphun 398
52 ลำปาง Lampang 710
53 อุตรดิตถ์ Uttaradit 437
54 แพร่ Phrae 425
55 น่าน Nan 470
56 พะเยา Phayao 455
57 เชียงราย Chiang_Rai 1300
58 แม่ฮ่องสอน Mae_Hong_Son 286
60 นครสวรรค์ Nakhon_Sawan 1020
61 อุทัยธานี Uthai_Thani 322
62 กำแพงเพชร Kamphaeng_Phet 706
63 ตาก Tak 690
64 สุโขทัย Sukhothai 575
65 พิษณุโลก Phitsanulok 840
66 พิจิตร Phichit 520
67 เพชรบูรณ์ Phetchabun 960
70 ราชบุรี Ratchaburi 865
71 กาญจนบุรี Kanchanaburi 890
72 สุพรรณบุรี Suphan_Buri 825
73 นครปฐม Nakhon_Pathom 923
74 สมุทรสาคร Samut_Sakhon 590
75 สมุทรสงคราม Samut_Songkhram 188
76 เพชรบุรี Phetchaburi 480
77 ประจวบคีรีขันธ์ Prachuap_Khiri_Khan 550
80 นครศรีธรรมราช Nakhon_Si_Thammarat 1540
81 กระบี่ Krabi 482
82 พังงา Phangnga 267
83 ภูเก็ต Phuket 420
84 สุราษฎร์ธานี Surat_Thani 1075
85 ระนอง Ranong 194
86 ชุมพร Chumphon 508
90 สงขลา Songkhla 1430
91 สตูล Satun 325
92 ตรัง Trang 637
93 พัทลุง Phatthalung 520
94 ปัตตานี Pattani 735
95 ยะลา Yala 550
96 นราธิวาส Narathiwat 818
"""

# An invented place is one of each: twelve and thirteen have no common factor, so 156 in a row differ.
_LANDS = (
    "บ้าน Ban|หนอง Nong |ห้วย Huai |ท่า Tha |ดอน Don |โคก Khok |วัง Wang |นา Na |บึง Bueng |ทุ่ง Thung |สวน Suan |คลอง Khlong "
)
_MOODS = (
    "ร่มเย็น Rom Yen|พอเพียง Pho Phiang|ใจดี Chai Di|สุขใจ Suk Chai|แสงทอง Saeng Thong|มะลิ Mali|ลำดวน Lamduan"
    "|ชมพู Chomphu|ไพลิน Phailin|ฟ้าใส Fa Sai|น้ำใส Nam Sai|ปลายฝน Plai Fon|ต้นกล้า Ton Kla"
)
_HOSPITALS = (
    "ร่มไทร Rom Sai|ธารสุข Than Suk|บุญรักษา Bun Raksa|ใต้ร่มบุญ Tai Rom Bun|อุ่นรัก Un Rak|แสงตะวัน Saeng Tawan"
    "|พฤกษาเวช Phrueksa Wet|สายธาร Sai Than|เพื่อนชุมชน Phuean Chumchon"
)
_ROADS = "ร่วมใจ Ruam Chai|สุขสันต์ Suk San|ประชาชื่น Pracha Chuen|มิตรไมตรี Mit Maitri|เลียบคลอง Liap Khlong|บ้านสวน Ban Suan"


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    code: str  # four digits
    name: Words
    postcode: str
    subdistricts: tuple[tuple[str, Words], ...]  # six digits each
    primary_unit: Hospital


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    code: str  # two digits, as the interior ministry counts
    name: Words
    people: int  # in thousands
    districts: tuple[District, ...]
    hospitals: tuple[Hospital, ...]
    insurance_branch: Words


def _split(text: str) -> list[Words]:
    return [Words(th=th, en=en.strip()) for th, _, en in (entry.partition(" ") for entry in text.split("|"))]


_LAND, _MOOD, _HOSPITAL, _ROAD = _split(_LANDS), _split(_MOODS), _split(_HOSPITALS), _split(_ROADS)


def _invented(number: int) -> Words:
    land, mood = _LAND[number % len(_LAND)], _MOOD[number % len(_MOOD)]
    return Words(th=land.th + mood.th, en=f"{land.en} {mood.en}")


def _capital(province: Words) -> Words:
    if province.th == "กรุงเทพมหานคร":
        return Words(th="พระนคร", en="Phra Nakhon")
    if province.th == "พระนครศรีอยุธยา":  # the one province whose first district is not called "Mueang"
        return province
    return Words(th="เมือง" + province.th, en="Mueang " + province.en)


def _post_region(code: str) -> str:
    """Postcodes begin with the province's code, but for the ring around Bangkok, where the post counts one behind."""
    return str(int(code) - 1) if "11" < code <= "19" else "10" if code == "11" else code


def _districts(index: int, code: str, province: Words) -> tuple[District, ...]:
    found = []
    for d in range(DISTRICTS):
        district = f"{code}{d + 1:02d}"
        first = index * DISTRICTS * (SUBDISTRICTS + 1)
        subdistricts = tuple(
            (f"{district}{s + 1:02d}", _invented(first + DISTRICTS + d * SUBDISTRICTS + s)) for s in range(SUBDISTRICTS)
        )
        name = _capital(province) if d == 0 else _invented(first + d)
        suffix = {"10": "200", "11": "270"}.get(code, "000") if d == 0 else f"{d}{index % 5 + 1}0"
        kind = (
            Words(th=f"ศูนย์บริการสาธารณสุข {name.th}", en=f"{name.en} Public Health Centre")
            if code == BANGKOK
            else Words(
                th=f"โรงพยาบาลส่งเสริมสุขภาพตำบล{subdistricts[0][1].th}",
                en=f"{subdistricts[0][1].en} Subdistrict Health Promoting Hospital",
            )
        )
        found.append(
            District(
                code=district,
                name=name,
                postcode=_post_region(code) + suffix,
                subdistricts=subdistricts,
                primary_unit=Hospital(code=str(99301 + index * DISTRICTS + d), name=kind, province=code),
            )
        )
    return tuple(found)


def _hospitals(index: int, code: str, province: Words) -> tuple[Hospital, ...]:
    found = []
    for i in range(HOSPITALS):
        word = _HOSPITAL[(index + i * HOSPITALS) % len(_HOSPITAL)]
        name = Words(th=f"โรงพยาบาล{word.th}{province.th}", en=f"{word.en} {province.en} Hospital")
        found.append(Hospital(code=str(99001 + index * HOSPITALS + i), name=name, province=code))
    return tuple(found)


def _province(index: int, line: str) -> Province:
    code, th, en, people = line.split()
    name = Words(th=th, en=en.replace("_", " "))
    branch = (
        Words(th="สำนักงานประกันสังคมกรุงเทพมหานครพื้นที่ 1", en="Social Security Office, Bangkok Area 1")
        if code == BANGKOK
        else Words(th=f"สำนักงานประกันสังคมจังหวัด{name.th}", en=f"{name.en} Provincial Social Security Office")
    )
    return Province(
        code=code,
        name=name,
        people=int(people),
        districts=_districts(index, code, name),
        hospitals=_hospitals(index, code, name),
        insurance_branch=branch,
    )


PROVINCES: tuple[Province, ...] = tuple(_province(i, line) for i, line in enumerate(_PROVINCES.split("\n")[1:-1]))
PROVINCE: dict[str, Province] = {province.code: province for province in PROVINCES}
HOSPITAL: dict[str, Hospital] = {unit.code: unit for province in PROVINCES for unit in province.hospitals}


def address(*, subdistrict: str, first_number: int, draw: int) -> Address:
    """The address of the house whose first member bears that citizen number."""
    province = PROVINCE[subdistrict[:2]]
    district = province.districts[int(subdistrict[2:4]) - 1]
    is_town = subdistrict[2:4] == "01"
    road = f"ถนน{_ROAD[draw // 7 % len(_ROAD)].th}" if is_town else ""
    lot = draw // 101 % 299 + 1
    return Address(
        house_id=house_id(province=province.code, first_number=first_number),
        house_no=f"{lot}/{draw // 31 % 40 + 1}" if draw % 3 else str(lot),
        village_no="" if is_town else str(draw // 13 % 14 + 1),
        road=road,
        subdistrict_code=subdistrict,
        subdistrict=district.subdistricts[int(subdistrict[4:]) - 1][1],
        district=district.name,
        province=province.name,
        postcode=district.postcode,
    )


def house_id(*, province: str, first_number: int) -> str:
    """Eleven digits no two houses share: province, the number of its first member, and a check digit."""
    digits = f"{province}{first_number:08d}"
    return digits + str(-sum(int(d) * (i % 9 + 1) for i, d in enumerate(digits)) % 10)
