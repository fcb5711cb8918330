"""How the page looks: its own style, light and dark, narrow and wide, on screen and on paper."""

STYLE = """
:root{color-scheme:light dark;--paper:#fcfcfa;--ink:#22252b;--dim:#686d76;--rule:#d9dbd6;--main:#1f6fb2;--other:#b4541a;
--soft:#8a8f98;--band:rgba(138,143,152,.22);--box:#eef3f8;--block:#fdf1e3;--end:#f1f1ee;--good:#2c7a4b;--bad:#b03a3a}
@media(prefers-color-scheme:dark){:root{--paper:#16181c;--ink:#e4e6ea;--dim:#9aa0aa;--rule:#353941;--main:#6db3f2;
--other:#f0a060;--soft:#7d838d;--band:rgba(160,166,176,.2);--box:#1f2a36;--block:#332a1e;--end:#25282d;--good:#6cc08b;--bad:#e58484}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:24px 20px 60px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:40px 0 10px;border-bottom:1px solid var(--rule);padding-bottom:4px}
h3{font-size:16px;margin:24px 0 6px}p{margin:6px 0;max-width:78ch}.dim,.none{color:var(--dim)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0}
.facts div{border:1px solid var(--rule);border-radius:6px;padding:8px 12px}.facts b{display:block;font-size:20px}
.facts span{color:var(--dim);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:20px}
figure{margin:0;min-width:0}svg{display:block;width:100%;height:auto}
svg text{fill:var(--dim);font:11px system-ui,"DejaVu Sans",sans-serif}svg text.name{fill:var(--ink)}
.grid{stroke:var(--rule);stroke-width:.6}.axis{stroke:var(--dim)}
.line{fill:none;stroke-width:2}.line.main{stroke:var(--main)}.line.other{stroke:var(--other)}
.line.soft{stroke:var(--soft);stroke-dasharray:5 4}
.band{fill:var(--band);background:var(--band)}.dot.main{fill:var(--main)}.dot.soft{fill:var(--soft);opacity:.5}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;padding:0 0 0 64px;margin:0;font-size:13px;color:var(--dim)}
.key{display:inline-block;width:16px;height:3px;margin-right:6px;vertical-align:middle}.key.dot{width:9px;height:9px;border-radius:50%}
.key.main{background:var(--main)}.key.other{background:var(--other)}.key.soft{background:var(--soft)}.key.band{height:10px}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px}
th,td{padding:4px 14px 4px 0;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--dim);font-weight:500}td.text,th.text{text-align:left;white-space:normal}.wide td.text:last-child{min-width:11em}
meter{display:none}.bar{display:inline-block;height:9px;background:var(--main);border-radius:2px}.bar.soft{background:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad)}
.net{border:1px solid var(--rule);border-radius:8px;padding:4px 16px 14px;margin:14px 0}
.drawn{display:flex;flex-wrap:wrap;gap:16px 28px;align-items:flex-start;overflow-x:auto}.drawn figure{flex:none;max-width:100%}
.drawn svg{width:auto;max-width:100%}.drawn svg text{font:11px ui-monospace,"DejaVu Sans Mono",monospace;fill:var(--ink)}
.drawn figcaption{color:var(--dim);font-size:13px}
rect{stroke:var(--soft);stroke-width:.8}rect.op{fill:var(--box)}rect.block{fill:var(--block)}rect.end{fill:var(--end)}
.edge{fill:none;stroke:var(--soft);stroke-width:1.2}
details{margin:8px 0}summary{cursor:pointer;color:var(--main)}
pre{overflow-x:auto;background:var(--end);border:1px solid var(--rule);border-radius:6px;padding:10px 12px;
font:12.5px/1.45 ui-monospace,"DejaVu Sans Mono",monospace}pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}code{font:13px ui-monospace,"DejaVu Sans Mono",monospace}
@media print{details{display:none}body{max-width:none}}
"""
