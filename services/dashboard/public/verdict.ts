import type { Status } from '../shape.ts'
import { byId, setAttribute, setText } from './dom.ts'
import { age } from './words.ts'

/** What is read out is said again only when its first words change, or after so long. */
const SAY_AGAIN_MS = 60_000

let saidHead = ''
let saidAt = Number.NEGATIVE_INFINITY

export function showVerdict({ verdict, connection }: Status): void {
  say(verdict.mood, verdict.head, verdict.details)
  const old = !connection.up && connection.seenAgoMs !== null
  showNotice(
    old
      ? `What you see below is ${age(connection.seenAgoMs!)} old. ${connection.fault ?? ''}`
      : (connection.fault ?? ''),
  )
  byId('numbers').toggleAttribute('data-stale', !connection.up)
}

export function showLineLost(): void {
  say('bad', 'Dashboard not reachable', 'its server does not answer; trying again each second')
  showNotice('What you see below is what was last heard. Ingestors go on without this page.')
  byId('numbers').toggleAttribute('data-stale', true)
}

function showNotice(text: string): void {
  const notice = byId('notice')
  setText(notice, text)
  notice.hidden = text === ''
}

function say(mood: string, head: string, details: string): void {
  setAttribute(byId('verdict'), 'data-mood', mood)
  setText(byId('verdict-head'), head)
  setText(byId('verdict-details'), details)
  document.title = `${head} · hot-folder`
  if (head === saidHead && performance.now() - saidAt < SAY_AGAIN_MS) return
  saidHead = head
  saidAt = performance.now()
  setText(byId('verdict-said'), `${head}: ${details}`)
}
