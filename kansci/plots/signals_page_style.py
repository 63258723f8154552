"""How the page of a comparison looks, in light and dark, on a desk and on a phone."""

__all__ = ["SERIES", "STYLE"]

SERIES = (
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff8a3d"),
    ("#007a5a", "#2fc79a"),
    ("#a4487f", "#e39ac6"),
    ("#8a6500", "#f0c14b"),
    ("#333333", "#dddddd"),
)
"""Colours of curves on light and on dark ground, after Okabe & Ito."""

STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfa; --ink: #1b1c1e; --soft: #5d6168; --line: #d9dade;
  --card: #ffffff; --best: #0072b2; LIGHT }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --ink: #e9e7e2; --soft: #a2a6ae;
  --line: #34383f; --card: #1c1f23; --best: #6fc0ef; DARK } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 17px/1.55 Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Georgia, serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.15; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .8rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { max-width: 42rem; margin: .4rem 0; overflow-wrap: anywhere; }
.soft, figcaption, th, .scale { color: var(--soft); }
figcaption, table, .scale, svg text, h3 span { font-family: system-ui, "Segoe UI", Roboto, sans-serif; }
.scroll { overflow-x: auto; }
.top { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 1.5rem 3rem; align-items: start;
  margin-top: 1.6rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; min-width: 24rem; }
th, td { text-align: right; padding: .38rem 0 .38rem 1.8rem; white-space: nowrap; }
th { font-weight: 500; border-bottom: 1.5px solid var(--ink); }
td { border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.best { color: var(--best); font-weight: 650; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .82rem; line-height: 1.4; padding-top: .35rem; }
svg { display: block; width: 100%; max-width: 34rem; height: auto; }
svg text { font-size: 12.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .frame { stroke: var(--line); fill: none; }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .name { font-weight: 600; }
.row { border-top: 1px solid var(--line); padding: 1.1rem 0 1.4rem; }
.row h3 { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; padding-bottom: .7rem; }
.row h3 span { font-size: .85rem; font-weight: 400; color: var(--soft); }
.three { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.1rem; align-items: start; }
.picture { position: relative; overflow: hidden; border-radius: 3px; background: var(--line); }
.picture img, .whole { display: block; width: 100%; height: auto; image-rendering: pixelated; }
.whole { image-rendering: auto; border-radius: 3px; background: #ffffff; }
.signal { position: absolute; inset: 0; background-size: 100% 100%; image-rendering: pixelated;
  clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.cut { position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; margin-left: -1px;
  background: #ffffff; box-shadow: 0 0 0 1px rgba(0, 0, 0, .45); pointer-events: none; }
.cut::after { content: ""; position: absolute; top: 50%; left: 50%; width: 22px; height: 22px;
  margin: -11px 0 0 -11px; border-radius: 50%; background: #ffffff;
  box-shadow: 0 0 0 1px rgba(0, 0, 0, .45); }
.picture input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; touch-action: pan-y; }
.picture:focus-within { outline: 3px solid var(--best); outline-offset: 2px; }
.scale { display: flex; align-items: center; gap: .6rem; font-size: .82rem; margin: .2rem 0 1rem; }
.scale span { white-space: nowrap; }
.scale i { display: block; flex: 0 1 11rem; min-width: 3rem; height: .7rem; border-radius: 2px; }
@media (max-width: 56rem) { .top { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 44rem) {
  body { font-size: 16px; } main { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.55rem; }
  .three { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .8rem; }
  .three figure:first-child { grid-column: 1 / -1; }
  .whole { width: 40rem; max-width: none; }
  table { min-width: 0; width: 100%; font-size: .82rem; } th, td { padding-left: .5rem; } }
@media print { .picture input { display: none; } }
"""
for _place, _side in (("LIGHT", 0), ("DARK", 1)):
    STYLE = STYLE.replace(_place, " ".join(f"--s{k}: {pair[_side]};" for k, pair in enumerate(SERIES)))
