"""The style of a report: light, dark and in print. No meaning depends on a colour alone."""

STYLE = """\
:root { --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #b9c0c8; --tint: #f4f6f8;
  --first: #57606a; --second: #0b5cad; --third: #a04a00; --warn: #9a3412; --good: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e6e9ec; --quiet: #a3adb8; --line: #4a535d; --tint: #1e2328;
    --first: #b4bec8; --second: #6cb2ff; --third: #f0a35e; --warn: #f2a07b; --good: #6cb2ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 75ch; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .88rem; }
.box { margin: .7rem 0; padding: .6rem .9rem; background: var(--tint); border: 1px solid var(--line);
  border-left: 5px solid var(--good); overflow-wrap: anywhere; }
.box.warning { border-left: 5px double var(--warn); }
.facts { display: grid; margin: .5rem 0; gap: 2px 28px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); }
.facts div { display: flex; gap: .6rem; border-bottom: 1px solid var(--line); padding: .25rem 0; }
.facts dt { color: var(--quiet); min-width: 7.2rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px 28px;
  align-items: start; }
figure { margin: .6rem 0; max-width: 560px; break-inside: avoid; }
figcaption, caption { font-weight: 600; text-align: left; padding: 0 0 .3rem; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif
  !important; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .7rem .28rem 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
th[scope="row"], thead th:first-child { text-align: left; }
th[scope="row"] { font-weight: 400; }
td, thead th { white-space: nowrap; }
th[scope="row"] { min-width: 6rem; }
thead th { font-weight: 600; vertical-align: bottom; }
.strong th, .strong td { font-weight: 700; background: var(--tint); }
pre { margin: .3rem 0; padding: .5rem .8rem; background: var(--tint); overflow-x: auto; font-size: .88rem; }
.query { margin: 1.2rem 0; }
.query .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 8px 28px; }
.query h4 { font-size: .9rem; margin: .5rem 0 .2rem; color: var(--quiet); }
.query ol { margin: 0; padding: 0 0 0 2rem; font-size: .88rem; }
.query li { padding: .18rem 0 .18rem .2rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.query li.relevant { border-left: 4px solid var(--second); padding-left: .5rem; background: var(--tint); }
.query cite { font-weight: 600; font-style: normal; }
.query .mark { font-weight: 700; font-size: .72rem; border: 1px solid; padding: 0 .3em; margin-right: .2em; }
.query .where { color: var(--quiet); white-space: nowrap; }
@media (max-width: 560px) { main { padding: 16px 12px 40px; } }
@media print {
  :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #aaa; --tint: #f2f2f2;
    --first: #555; --second: #0b5cad; --third: #a04a00; --warn: #9a3412; --good: #0b5cad; }
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  table { font-size: 8pt; }
  th, td { padding-right: .45rem; }
  h2, h3, h4, figcaption, caption { break-after: avoid; }
  .box, tr, li { break-inside: avoid; }
  .wide { overflow: visible; }
  .figures { grid-template-columns: 1fr 1fr; }
  .query .pair { grid-template-columns: 1fr 1fr; }
}
"""
