// Runs before the first paint, so that the page does not flash in the wrong colours. No module: those wait.
{
  const kept = localStorage.getItem('theme')
  if (kept === 'light' || kept === 'dark') document.documentElement.dataset.theme = kept
}

// A part of the page that did not arrive (a network that changed just then) leaves it dead: all of it
// is asked for again. Told in the capturing phase, since such errors do not bubble.
addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)
      setTimeout(() => location.reload(), 1_000)
  },
  true,
)
