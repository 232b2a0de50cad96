"""What only the page can do for widgets: keep charts as wide as their place, and name sliders for the ear."""

from __future__ import annotations

import anywidget

SCRIPT = """
function nameSliders(root) {
  for (const slider of root.querySelectorAll(".widget-slider")) {
    const handle = slider.querySelector("[role=slider]")
    const label = slider.querySelector(".widget-label")?.textContent
    const shown = slider.querySelector(".widget-readout")?.textContent
    if (!handle) continue
    if (handle.getAttribute("aria-label") !== label) handle.setAttribute("aria-label", label)
    if (shown && handle.getAttribute("aria-valuetext") !== shown) handle.setAttribute("aria-valuetext", shown)
  }
}

export default {
  render({ el }) {
    let width = 0
    const watch = new ResizeObserver(() => {
      if (el.clientWidth === width) return
      width = el.clientWidth
      window.dispatchEvent(new Event("resize"))
    })
    watch.observe(el)
    let names
    const begin = requestAnimationFrame(() => {
      const root = el.closest(".tlkit-panel, .tlkit-lesson")
      if (!root) return
      names = new MutationObserver(() => nameSliders(root))
      names.observe(root, { subtree: true, childList: true, characterData: true })
      nameSliders(root)
    })
    return () => {
      cancelAnimationFrame(begin)
      watch.disconnect()
      names?.disconnect()
    }
  },
}
"""


class PageHelper(anywidget.AnyWidget):
    """An empty line that tells the page when its width changes, and gives sliders their names and values.

    plotly draws a chart before the page has room for it, at a width of 700, and listens to the window
    alone; ipywidgets' sliders have a label that only the eye connects with their handle.
    """

    _esm = SCRIPT
