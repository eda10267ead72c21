import shapes from './hostile_bodies.json';

const CHARACTERS = 4000;

/** Messages of the greatest length that try to cost the page of their reader much time. */
export const HOSTILE_BODIES = shapes.map(({ name, head, unit, tail = '' }) => {
  const room = CHARACTERS - [...head].length - [...tail].length;
  const filling = [...unit.repeat(room)].slice(0, room).join('');
  return { name, body: head + filling + tail };
});
