// What the page tells its user: sentences, in live regions.
import { $, stamp, text } from './dom.js';

const SHOWN_MS = 6000;
const MAX_SHOWN = 3;

/** Shows a message. `action`: {name, run}, a button in it. Errors stay until they are closed; all else goes by itself. Gives what takes it away. */
function show(where, sentence, action) {
  for (const old of where.children) if (old.firstElementChild.textContent === sentence) old.remove();
  while (where.children.length >= MAX_SHOWN) where.firstElementChild.remove();
  const part = stamp('t-message');
  const close = () => part.root.remove();
  text(part.text, sentence);
  part.close.onclick = close;
  if (action) {
    part.action.hidden = false;
    text(part.action, action.name);
    part.action.onclick = () => {
      close();
      action.run();
    };
  }
  where.append(part.root);
  return close;
}

export function say(sentence) {
  const close = show($('statuses'), sentence);
  setTimeout(close, SHOWN_MS);
  return close;
}

export function warn(sentence, action) {
  return show($('alerts'), sentence, action);
}

/** What was tried → what its errors mean there; `*` for what is the same everywhere. `WHO` is whom it was about. */
const SENTENCES = {
  call: {
    unreachable: 'WHO is not here now, on no device.',
    forbidden: 'You may not call WHO.',
    bad_request: 'WHO can’t be called: is the name right?',
  },
  room: {},
  post: {},
  join: {
    call_full: 'The room is full: all its seats are taken.',
    forbidden: 'This room is not open to you: it is locked, or for others.',
    gone: 'This room is over: everybody has left it.',
    not_found: 'There is no such room. Is the link complete, and is it from this server?',
    bad_request: 'There is no such room. Is the link complete?',
  },
  take: {
    call_full: 'The call is full.',
    conflict: 'You posted this offer yourself: somebody else has to take it.',
    forbidden: 'This offer is not for you.',
    gone: 'This offer is gone: somebody took it first, or it was taken back.',
    not_found: 'There is no such offer. Is the link complete, and is it from this server?',
    bad_request: 'There is no such offer. Is the link complete?',
  },
  answer: {
    gone: 'Too late: the caller gave up, or another of your devices answered.',
    call_full: 'The call is full by now.',
  },
  rejoin: { gone: 'The call is over.', not_found: 'The call is over.' },
  invite: {
    unreachable: 'WHO is not here now, on no device.',
    conflict: 'WHO is in the call already, or is being rung.',
    call_full: 'All seats of the call are taken.',
    forbidden: 'You may not invite WHO to this call.',
    bad_request: 'WHO can’t be rung: is the name right?',
  },
  '*': {
    microphone_denied: 'The microphone is blocked. Allow it for this page, beside the address, then try again.',
    microphone_missing: 'No microphone was found. Plug one in, then try again.',
    microphone_failed: 'The microphone does not start. Does another program hold it?',
    forbidden: 'You may not do that.',
    gone: 'The call is over.',
    not_found: 'The call is over.',
    call_full: 'All seats of the call are taken.',
    unreachable: 'Nobody can be reached there now.',
    media_not_allowed: 'This server carries voice only.',
    too_large: 'That is too large for this server.',
    unavailable: 'The server can’t reach its store now. Try again in a moment.',
    unsupported: 'This server can’t do that.',
    closed: 'You are signed out.',
    reset: 'The connection was lost for too long. Try again.',
  },
};

export function sentence(error, tried = '*', who = '') {
  const { code } = error;
  if (code?.startsWith('microphone') && !isSecureContext)
    return 'Browsers give the microphone to secure pages only: open this page on localhost, or over https.';
  if (code === 'rate_limited') {
    const wait = error.retryAfterMs;
    return `That was too much at once. Try again ${wait ? `in ${Math.ceil(wait / 1000)} s` : 'later'}.`;
  }
  const found = SENTENCES[tried]?.[code] ?? SENTENCES['*'][code];
  return found ? found.replace('WHO', who || 'They') : `That did not work: ${error.message || error}`;
}

/** Why a call is over, as far as its members don't know it; `who` is the other side. Undefined: no need to say. */
export function ending(reason, who) {
  return {
    hangup: `The call with ${who} is over.`,
    rejected: `${who} declined.`,
    busy: `${who} is busy.`,
    timeout: `${who} did not answer.`,
    unreachable: `${who} can’t be reached any more.`,
    lost: `The call with ${who} was lost: one side was away for too long.`,
    removed: 'You were removed from the call.',
    expired: 'Nobody opened your offer in time.',
    admin: 'An administrator ended the call.',
    gone: 'The call is over.',
  }[reason];
}

/** Why it rings no more. */
export function silence(reason, who) {
  return {
    answered_elsewhere: `You answered ${who} on another device.`,
    rejected_elsewhere: `You declined ${who} on another device.`,
    timeout: `You missed a call from ${who}.`,
    cancelled: `You missed a call from ${who}.`,
    hangup: `You missed a call from ${who}.`,
    lost: `You missed a call from ${who}: they lost their connection.`,
  }[reason];
}

/** Why the client is closed for good. */
export function farewell({ reason, message }) {
  return {
    superseded: 'This page’s place was taken by another tab. Sign in to be here again.',
    unauthorized: 'The server does not accept your token any more. Sign in again.',
    ended: 'An administrator ended your session.',
    protocol: `This page and the server do not understand each other: reload it. (${message})`,
  }[reason];
}
