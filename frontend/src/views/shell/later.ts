/** The dialogs that open everywhere and that the first picture does without. */

export { Account } from '../account/Account';
export { NewsBanners } from './NewsBanners';
export { NoticeOffer } from './NoticeOffer';
export { Filter, HiddenRooms, PlaceError } from './room_list_tools';
export { ShortcutsHelp } from './ShortcutsHelp';
export { Switcher } from './Switcher';
