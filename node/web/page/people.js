// Who is there: the names that were seen today, and what the server says of each.
import { $, paint, stamp, text } from './dom.js';

const ASK_MS = 3000;
const ASK_SOON_MS = 400; // a node tells what it knew when it was asked last
const ASK_IN_TROUBLE_MS = 20_000;
const MAX_PEOPLE = 100;

const WORDS = { available: 'available', away: 'away', dnd: 'do not disturb', offline: 'offline' };
const ORDER = ['available', 'away', 'dnd', 'offline'];

function ago(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 1440 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} d ago`;
}

function words({ status, inCall, lastSeenMs: seen, note, devices }) {
  const all = [inCall ? `${WORDS[status]}, in a call` : WORDS[status]];
  if (status === 'offline' && seen) all.push(ago(Date.now() - seen));
  if (devices > 1) all.push(`${devices} devices`);
  if (note) all.push(note);
  return all.join(' · ');
}

export class People {
  #client;
  #onCall;
  #rows = new Map(); // name → {part, state}
  #timer;
  #asked = 0;

  /** Who is there now. */
  there() {
    return [...this.#rows.values()].filter(({ state }) => state.status !== 'offline').map(({ state }) => state.user);
  }

  #look = async () => {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    let wait = this.#asked++ ? ASK_MS : ASK_SOON_MS;
    if (!document.hidden && this.#client.state === 'online') {
      try {
        const answer = await fetch('/dev/people');
        if (answer.ok) this.#know((await answer.json()).people);
        else wait = ASK_IN_TROUBLE_MS;
      } catch {
        wait = ASK_IN_TROUBLE_MS;
      }
    }
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, wait);
  };

  /** `onCall(name)`: the button of that row was pressed. `onSelf(state)`: how the others see oneself. */
  constructor(client, onCall, onSelf) {
    this.#client = client;
    this.#onCall = onCall;
    client.on('presence', (state) => {
      if (state.user === client.user) onSelf(state);
      else this.#seen(state);
    });
    client.watch([client.user]).then(([state]) => state && onSelf(state), () => {});
    document.addEventListener('visibilitychange', this.#look);
    this.#look();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    document.removeEventListener('visibilitychange', this.#look);
    $('people').replaceChildren();
  }

  /** As it is spelled by one who is there, if only the case differs. */
  spelled(name) {
    if (this.#rows.has(name)) return name;
    return [...this.#rows.keys()].find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
  }

  #know(names) {
    const fresh = names.slice(0, MAX_PEOPLE).filter((name) => name !== this.#client.user && !this.#rows.has(name));
    if (!fresh.length) return;
    for (const name of fresh) this.#add(name);
    this.#client.watch(fresh).then((states) => states.forEach((state) => this.#seen(state)), () => {});
    this.#sort();
  }

  #add(name) {
    const part = stamp('t-person');
    paint(part.avatar, name);
    text(part.name, name);
    part.root.ariaLabel = name;
    part.call.ariaLabel = `Call ${name}`;
    part.call.title = `Call ${name}`;
    part.call.onclick = () => this.#onCall(name);
    this.#rows.set(name, { part, state: { user: name, status: 'offline', devices: 0 } });
  }

  #seen(state) {
    const row = this.#rows.get(state.user);
    if (!row) return;
    row.state = state;
    this.#sort();
  }

  /** Who is there comes first, then by name. Rows are moved only where they must: one with the focus would lose it. */
  #sort() {
    const rows = [...this.#rows.values()].sort(
      (a, b) => ORDER.indexOf(a.state.status) - ORDER.indexOf(b.state.status) || a.state.user.localeCompare(b.state.user),
    );
    const where = $('people');
    rows.forEach(({ part, state }, i) => {
      part.root.dataset.status = state.status;
      part.root.toggleAttribute('data-busy', Boolean(state.inCall));
      text(part.text, words(state));
      if (where.children[i] !== part.root) where.insertBefore(part.root, where.children[i] ?? null);
    });
    $('alone').hidden = rows.length > 0;
  }
}
