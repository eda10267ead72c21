import { timeoutSignal } from '../../timeout.ts';
import type { Me, PublicUser, Room } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

const UPLOAD_MILLISECONDS = 120_000;

/** The sizes of a picture, in pixels a side. */
export type AvatarSize = 96 | 384;

/** The pictures of the user, of their bots and of rooms. `avatar` of users and rooms is the id of one. */
export class AvatarsApi {
  readonly #requests: Requests;
  readonly #url: string;

  /** `url` is the address of the server. */
  constructor(requests: Requests, url: string) {
    this.#requests = requests;
    this.#url = url;
  }

  /** Shows the user with the square in the middle of a picture. */
  setOwn(image: Blob): Promise<Me> {
    return this.#set('users/me', image);
  }

  removeOwn(): Promise<Me> {
    return this.#remove('users/me');
  }

  setOfBot(id: string, image: Blob): Promise<PublicUser> {
    return this.#set(`bots/${encodeURIComponent(id)}`, image);
  }

  removeOfBot(id: string): Promise<PublicUser> {
    return this.#remove(`bots/${encodeURIComponent(id)}`);
  }

  setOfRoom(room_id: string, image: Blob): Promise<Room> {
    return this.#set(roomPath(room_id), image);
  }

  removeOfRoom(room_id: string): Promise<Room> {
    return this.#remove(roomPath(room_id));
  }

  /** Where a picture is shown, to everybody who knows its id. */
  address(avatar: string, size: AvatarSize): string {
    return new URL(`avatars/${encodeURIComponent(avatar)}/${size}`, this.#url).href;
  }

  #set<T>(owner: string, image: Blob): Promise<T> {
    const headers = { 'Content-Type': image.type || 'application/octet-stream' };
    const signal = timeoutSignal(UPLOAD_MILLISECONDS);
    return this.#requests.send('PUT', `${owner}/avatar`, { raw: { body: image, headers, signal } });
  }

  #remove<T>(owner: string): Promise<T> {
    return this.#requests.send('DELETE', `${owner}/avatar`);
  }
}
