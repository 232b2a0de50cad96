"""Figures on a dark page: a style sheet that turns their ink light, made from the colours they use.

A figure is drawn in dark ink on white, which is legible anywhere. Where the page is known to be dark, its
card becomes transparent, its text takes the page's own colour, and lines too dark to be seen take a
light counterpart.
"""

from __future__ import annotations

from tlkit.figures.style import GRID, INK, LINE, MUTED

LIGHTER = {
    "#000000": "#ffffff",
    INK: "#e3e7eb",
    MUTED: "#a9b3bd",
    LINE: "#7c8793",
    "#0072B2": "#3fa0e0",
    "#882255": "#e07aa8",
    "#332288": "#a79bf0",
    "#661100": "#d9806c",
    "#D55E00": "#e8762a",
    "#7F7F7F": "#a6a6a6",
}


def dark_css(place: str = "", ink: str = "#e8e6e3", grid: str = "#4a5159") -> str:
    """Return the style sheet.

    Parameters
    ----------
    place : str
        A selector of what holds the figures, such as a page whose theme is dark.
    ink, grid : str
        The colours of text and of grid lines, in CSS.

    Examples
    --------
    >>> from tlkit.figures.dark import dark_css
    >>> ".bg" in dark_css(".night")
    True
    """
    plot = f"{place} .js-plotly-plot".strip()
    # What appears under the pointer, and the numbers in a heat map, stand on a ground of their own.
    text = f"{plot} text:not(.hoverlayer *):not(.heatmap-label *)"
    rules = [
        f"{plot} .main-svg{{background:transparent!important}}",
        f"{plot} .bg:not(.hoverlayer *){{fill:transparent!important}}",
        f"{text}{{fill:{ink}!important}}",
        f'{plot} [style*="stroke: {_rgb(GRID)}"]{{stroke:{grid}!important}}',
    ]
    for dark, light in LIGHTER.items():
        for kind in ("stroke", "fill"):
            part = f'[style*="{kind}: {_rgb(dark)}"]:not(text):not(.hoverlayer *)'
            rules.append(f"{plot} {part}{{{kind}:{light}!important}}")
    return "".join(rules)


def _rgb(colour: str) -> str:
    """Return a colour as a browser writes it in an inline style."""
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


DARK_LAB = dark_css(
    '[data-jp-theme-light="false"]',
    "var(--jp-content-font-color1,#fff)",
    "var(--jp-border-color2,#4a5159)",
)
