/**
 * The style sheet of a report.
 *
 * @module
 */

/** The page's style sheet, without the colors of the phases. */
export const style = `
:root{color-scheme:light dark;--bg:#f6f6f4;--card:#fff;--text:#1d2126;--soft:#5d6570;--line:#e3e3df;
--grid:#ececea;--accent:#17957f;--ok:#0b7261;--bad:#c8342c;--load:#cfe0dc;--focus:#1f6feb}
@media(prefers-color-scheme:dark){:root{--bg:#15171a;--card:#1e2125;--text:#e8eaed;--soft:#a2a9b3;
--line:#31363c;--grid:#2a2e33;--accent:#2aa88f;--ok:#4cc5ac;--bad:#ff6f66;--load:#2c4a45;--focus:#6ea8fe}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 40px}
header{margin:0 0 18px}
h1{font-size:20px;line-height:1.4;margin:0;overflow-wrap:anywhere}
h2{font-size:16px;margin:0 0 12px}
code,pre,kbd{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
h1 code{font-size:inherit}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:0 0 16px}
.note,small,footer{color:var(--soft);font-size:13px}
.note{margin:0}
footer{margin-top:24px}
.tiles{display:grid;grid-template-columns:repeat(5,minmax(min-content,1fr));margin:0 0 16px;background:var(--card);
border:1px solid var(--line);border-radius:10px}
.tiles>div{padding:14px 20px;border-left:1px solid var(--line)}
.tiles>div:first-child{border-left:0}
dt{color:var(--soft);font-size:13px}
dd{margin:0}
.big{display:block;font-size:26px;line-height:1.3;font-weight:600;letter-spacing:-.01em;
font-variant-numeric:tabular-nums;white-space:nowrap}
.bad-text,.error{color:var(--bad)}
.ok-text{color:var(--ok)}
.facts{display:flex;flex-wrap:wrap;gap:6px 28px;margin:8px 0 0;font-size:14px}
.facts>div{min-width:0}
.facts dd{overflow-wrap:anywhere}
[hidden]{display:none!important}
.advice{margin:0;padding-left:20px}
.advice code{white-space:nowrap}
.advice li+li{margin-top:8px}
.two{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:16px}
.head{display:flex;flex-wrap:wrap;gap:0 12px;justify-content:space-between;align-items:start}
.head .buttons{margin-bottom:12px}
.buttons{display:flex;flex-wrap:wrap;gap:6px}
button{font:inherit;color:inherit;background:none;border:1px solid var(--line);border-radius:6px;
min-width:36px;min-height:32px;padding:2px 10px;cursor:pointer}
button:hover{background:var(--grid)}
button[aria-pressed=true]{background:var(--text);border-color:var(--text);color:var(--card)}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 12px;font-size:13px;color:var(--soft)}
.legend span{white-space:nowrap}
.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.key.load{background:var(--load)}
.key.ok{background:var(--accent)}
.key.bad{background:var(--bad)}
.chart{position:relative;border-radius:4px;touch-action:pan-y;cursor:grab;user-select:none}
.chart.moving{cursor:grabbing}
.chart canvas{display:block;width:100%}
#rows{max-height:420px;overflow-y:auto;overscroll-behavior:auto;scrollbar-width:thin;scrollbar-gutter:stable}
#load{padding:0}
#slots{position:sticky;top:0}
#tip{position:absolute;z-index:1;pointer-events:none;max-width:min(420px,92%);background:var(--card);
border:1px solid var(--line);border-radius:8px;box-shadow:0 4px 18px #0003;padding:10px 12px;font-size:13px}
#keys{margin-top:10px}
kbd{border:1px solid var(--line);border-radius:4px;padding:0 5px}
#details{position:fixed;z-index:2;left:0;right:0;bottom:0;background:var(--card);border-top:1px solid var(--line);
box-shadow:0 -4px 18px #0002;font-size:14px}
#details .inner{display:flex;gap:8px 20px;justify-content:space-between;align-items:start;max-width:1120px;
max-height:40vh;overflow:auto;margin:0 auto;padding:12px 20px}
#details .buttons{flex:none;position:sticky;top:0}
#chosen{min-width:0;flex:1}
#timeline,#list{scroll-margin-top:8px}
.job b{font-variant-numeric:tabular-nums}
.job code{display:block;margin:4px 0;max-height:6em;overflow:auto;overflow-wrap:anywhere}
#tip .job code{max-height:4.5em;overflow:hidden}
.job .times{display:flex;flex-wrap:wrap;gap:0 14px;color:var(--soft)}
.job .error{margin:4px 0 0;overflow-wrap:anywhere}
.bar{display:flex;height:22px;border-radius:4px;overflow:hidden;gap:1px;margin-bottom:14px}
.bar i{min-width:0;flex-basis:0}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:400}
thead th{color:var(--soft);font-size:13px;padding-bottom:4px}
td,tbody th,tfoot th{padding:6px 0;border-top:1px solid var(--line);vertical-align:top}
tfoot th,tfoot td{font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:16px}
.phases small{display:block;margin-left:16px}
.kinds{list-style:none;margin:0;padding:0;display:grid;gap:6px}
.kinds button{display:flex;gap:14px;width:100%;text-align:left;align-items:baseline}
.kinds b{min-width:3ch;text-align:right;color:var(--bad);font-variant-numeric:tabular-nums}
.kinds [aria-pressed=true] b{color:inherit}
.kinds span{min-width:0;overflow-wrap:anywhere}
.tools{display:flex;flex-wrap:wrap;gap:8px 10px;align-items:center;margin:0 0 8px}
.tools label{color:var(--soft);font-size:13px}
input{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--soft);border-radius:6px;min-height:32px;
padding:2px 10px;flex:1 1 200px;min-width:0}
.jobs{margin-top:8px;table-layout:fixed}
.jobs th button{border:0;padding:0;min-width:0;min-height:28px;font-size:13px;color:var(--soft)}
.jobs th button:hover{background:none;text-decoration:underline}
.jobs [aria-sort] button{color:var(--text);font-weight:600}
.jobs [aria-sort=ascending] button::after{content:" \\2191"}
.jobs [aria-sort=descending] button::after{content:" \\2193"}
.jobs th:nth-child(1){width:76px}.jobs th:nth-child(2),.jobs th:nth-child(3){width:92px;text-align:right}
.jobs th:nth-child(4){width:26%;padding-left:20px}.jobs td:nth-child(4){padding-left:20px}
.jobs th:nth-child(5),.jobs td:nth-child(5){padding-left:20px}
.jobs td{padding:4px 0;overflow-wrap:anywhere}
.jobs tbody tr{cursor:pointer}
.jobs tbody tr:hover,.jobs [aria-current]{background:var(--bg)}
#more{margin-top:12px}
.show{min-height:28px;min-width:48px;padding:0 8px;font-variant-numeric:tabular-nums}
pre{margin:6px 0 2px;padding:8px 10px;background:var(--bg);border-radius:6px;overflow:auto;max-height:14em;
white-space:pre-wrap;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;font-size:12px}
svg text{fill:var(--soft);font-variant-numeric:tabular-nums}
svg .grid{stroke:var(--grid)}
svg .tick{stroke:var(--soft)}
svg .mark{stroke:var(--text);stroke-dasharray:3 3}
svg text.mark{stroke:none;fill:var(--text)}
svg .ok{fill:var(--accent)}
svg .bad{fill:var(--bad)}
svg g:hover{opacity:.75}
.row{display:flex;flex-wrap:wrap;gap:6px 24px;margin:14px 0 0}
.row dd,.list dd{font-variant-numeric:tabular-nums}
.list{margin:0}
.list div{display:flex;justify-content:space-between;gap:16px;padding:6px 0;border-top:1px solid var(--line)}
.list div:first-child{border-top:0}
.list dt{font-size:14px}
.list dd{text-align:right}
.empty{text-align:center;padding:60px 20px}
@media(max-width:900px){.two{grid-template-columns:minmax(0,1fr);gap:0}
.tiles{grid-template-columns:repeat(6,1fr)}
.tiles>div{grid-column:span 2}
.tiles>div:nth-child(n+4){grid-column:span 3;border-top:1px solid var(--line)}
.tiles>div:nth-child(4){border-left:0}}
@media(max-width:560px){main{padding:16px 12px 32px}section{padding:14px}h1{font-size:17px}
.tiles{grid-template-columns:1fr 1fr}
.tiles>div,.tiles>div:nth-child(n+4){grid-column:auto;padding:10px 14px;border-top:1px solid var(--line)}
.tiles>div:nth-child(odd){border-left:0}
.tiles>div:nth-child(even){border-left:1px solid var(--line)}
.tiles>div:first-child{grid-column:span 2;border-top:0}
.tiles>div:nth-child(n+2):nth-child(even){border-left:0}
.tiles>div:nth-child(n+2):nth-child(odd){border-left:1px solid var(--line)}
.big{font-size:21px}.phases small{display:none}.n{padding-left:10px}
.jobs th:nth-child(2),.jobs td:nth-child(2){display:none}
.jobs th:nth-child(1){width:60px}.jobs th:nth-child(3){width:64px}.jobs th:nth-child(4){width:28%}
.jobs :is(th,td):nth-child(n+4){padding-left:10px}
#details .inner{flex-direction:column-reverse;padding:10px 12px;max-height:55vh}
#details .buttons{position:static}
svg{font-size:18px}}
@media print{body{background:none}section{break-inside:avoid}#list{break-inside:auto}
.buttons,.tools,#more,#keys,#details{display:none}}
`;
