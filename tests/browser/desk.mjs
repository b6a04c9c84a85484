// The page as somebody uses it who sits before it: by the names of fields and buttons that node/web/page/index.html lists.
import { DEADLINE_MS, until } from '../support/wait.mjs';

const region = ({ page }, name) => page.getByRole('region', { name });

/** Waits until the page is signed in, with a connection. */
export async function online(visitor) {
  await region(visitor, 'Your connection').getByText('online').waitFor();
  return visitor;
}

/** A line of "Your connection": 'Node', 'Session', … */
export async function fact(visitor, name) {
  const text = await region(visitor, 'Your connection').locator(`dt:text-is("${name}") + dd`).innerText();
  return text.trim();
}

export async function call(visitor, name) {
  await visitor.page.getByLabel('Call a name').fill(name);
  await visitor.page.getByRole('button', { name: 'Call', exact: true }).click();
}

/** The ring of a caller. */
export function ring(visitor, from) {
  return visitor.page.getByRole('alertdialog').filter({ hasText: `${from} is calling` });
}
export async function answer(visitor, from) {
  await ring(visitor, from).getByRole('button', { name: 'Answer' }).click();
}

/** Somebody who sits in the call that the page shows; the starter of a name is enough: texts follow it. */
export function member(visitor, name) {
  return visitor.page.getByRole('group', { name: new RegExp(`^${name}\\b(?!, ringing)`) });
}
export function members(visitor) {
  return visitor.page.locator('.members [role=group]:not(.guest)');
}
/** Waits until so many sit in the call that the page shows. */
export async function sits(visitor, count) {
  await until(
    async () => (await members(visitor).count()) === count,
    () => `${visitor.name} to see ${count} members`,
  );
}

export async function startRoom(visitor) {
  await visitor.button('Start a room').click();
  return link(visitor, 'Link to this room');
}
export async function postOffer(visitor) {
  await visitor.button('Post an offer').click();
  return link(visitor, 'Link to this offer');
}
/** The part of a link after which the page asks: '#join=…'. */
async function link(visitor, label) {
  const field = visitor.page.getByLabel(label);
  await until(() => field.inputValue(), `${visitor.name} to get a link`);
  return new URL(await field.inputValue()).hash;
}

export async function hangUp(visitor) {
  await visitor.button('Hang up').click();
}
/** Waits until the page is as before any call: none shown, none ringing, no connection open. */
export async function idle(visitor) {
  await region(visitor, 'No call').waitFor();
  await until(async () => (await visitor.audio()).length === 0, `${visitor.name} to have closed its connections`);
}

/** Waits for a message about what went wrong, and gives it. */
export async function alerted(visitor, text, ms = DEADLINE_MS) {
  const message = visitor.page.getByRole('alert').getByText(text);
  await message.first().waitFor({ timeout: ms });
  return message.first().innerText();
}
