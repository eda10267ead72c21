/** What may be opened from everywhere and the first picture does without: dialogs, banners and the search. */

export { Account } from '../account/Account';
export { SearchPlace } from '../search/SearchPlace';
export { NewsBanners } from './NewsBanners';
export { NoticeOffer } from './NoticeOffer';
export { Filter, HiddenRooms, PlaceError } from './room_list_tools';
export { ShortcutsHelp } from './ShortcutsHelp';
export { Switcher } from './Switcher';
