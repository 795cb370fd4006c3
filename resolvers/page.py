"""The page that a browser gets at /graphql in development: a question, a token, an answer.

It is our own because a page that loads a stranger's script from a network has no place beside people's data, and
because a developer may have no network.
"""

from __future__ import annotations

import base64
import hashlib

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1b1b1b; background: #fafafa; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.3rem; } label { display: block; font-weight: 600; margin-top: 1rem; }
textarea, input, pre, select { font: 14px/1.5 ui-monospace, monospace; width: 100%; box-sizing: border-box;
  border: 1px solid #767676; border-radius: 4px; padding: .6rem; background: #fff; }
textarea { min-height: 14rem; } #variables { min-height: 4rem; }
button { font: inherit; margin-top: 1rem; padding: .6rem 1.6rem; border: 0; border-radius: 4px; background: #0b4f8a;
  color: #fff; cursor: pointer; } button:focus-visible, textarea:focus-visible { outline: 3px solid #f2a900; }
pre { min-height: 8rem; overflow: auto; white-space: pre-wrap; }
"""

_SCRIPT = """
const at = (id) => document.getElementById(id);
async function run() {
  at("answer").textContent = "…";
  try {
    const token = at("token").value.trim();
    const headers = { "Content-Type": "application/json", "Accept": "application/graphql-response+json",
                      "Accept-Language": at("language").value };
    if (token) headers["Authorization"] = "Bearer " + token;
    const variables = at("variables").value.trim();
    const body = JSON.stringify({ query: at("query").value, variables: variables ? JSON.parse(variables) : null });
    const reply = await fetch(location.pathname, { method: "POST", headers, body });
    at("answer").textContent = reply.status + "\\n" + JSON.stringify(await reply.json(), null, 2);
  } catch (problem) {
    at("answer").textContent = String(problem);
  }
}
at("run").addEventListener("click", run);
document.addEventListener("keydown", (key) => { if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) run(); });
"""

_QUERY = """{
  publicServices(search: "เบี้ย", first: 5) {
    totalCount
    edges { node { code title { th en } agency { name { said } } requirements { level text { said } } } }
  }
  me { profile { state problem { message } value { name { said } birth { text } } } }
}"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


PAGE = f"""<!doctype html>
<html lang="th">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphQL</title><style>{_STYLE}</style></head>
<body><main>
<h1>ลองถามกราฟ · Ask the graph</h1>
<p>หน้านี้มีเฉพาะตอนพัฒนา · This page is there in development only. <kbd>Ctrl</kbd>+<kbd>Enter</kbd> ส่งคำถาม · sends.</p>
<label for="query">คำถาม · Query</label><textarea id="query" spellcheck="false">{_QUERY}</textarea>
<label for="variables">ตัวแปร (JSON) · Variables</label><textarea id="variables" spellcheck="false"></textarea>
<label for="token">โทเคน (<code>tangrat token --sandbox-citizen 7</code>) · Access token</label>
<input id="token" autocomplete="off">
<label for="language">ภาษาของคำตอบ · Language of the answer</label>
<select id="language"><option value="th">ไทย</option><option value="en">English</option></select>
<button id="run" type="button">ถาม · Ask</button>
<label for="answer">คำตอบ · Answer</label><pre id="answer" tabindex="0" aria-live="polite"></pre>
</main><script>{_SCRIPT}</script></body></html>
""".encode()

PAGE_POLICY = (
    f"default-src 'none'; connect-src 'self'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)};"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
).encode()
