"""Keeps the panel's chart as wide as the panel."""

from __future__ import annotations

import anywidget

WATCH = """
export default {
  render({ el }) {
    let width = 0
    const watch = new ResizeObserver(() => {
      if (el.clientWidth === width) return
      width = el.clientWidth
      window.dispatchEvent(new Event("resize"))
    })
    watch.observe(el)
    return () => watch.disconnect()
  },
}
"""


class WidthWatch(anywidget.AnyWidget):
    """An empty line that tells the page when its width changes, its first display included.

    plotly draws a chart before the page has room for it, at a width of 700, and listens to the window alone.
    """

    _esm = WATCH
