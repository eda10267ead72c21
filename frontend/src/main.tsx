import { options, render } from 'preact';
import { createApp } from './app';
import './styles/tokens.css';
import './styles/base.css';
import './styles/forms.css';
import './styles/auth.css';
import './styles/shell.css';
import './styles/rooms.css';
import './styles/timeline.css';
import './styles/message.css';
import './styles/body.css';
import './styles/composer.css';
import './styles/members.css';
import './styles/thread.css';
import './styles/dialog.css';
import './styles/menu.css';
import './styles/emoji.css';
import './styles/account.css';
import './styles/search.css';
import './styles/touch.css';
import './styles/forced_colours.css';
import { AppContext } from './views/parts/context';
import { keepNewestDrawings } from './views/parts/newest_drawing';
import { Root } from './views/shell/Root';

// Many events in one frame cause one rendering. A hidden window has no frames, so a timer is used
// there.
const HIDDEN_FRAME_MILLISECONDS = 100;
options.debounceRendering = (render) => {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    render();
  };
  const timer = setTimeout(once, HIDDEN_FRAME_MILLISECONDS);
  requestAnimationFrame(once);
};

keepNewestDrawings();

const root = document.getElementById('app');
if (root) {
  const app = await createApp(window);
  root.replaceChildren(); // what the page shows while, or where, this script is missing
  render(
    <AppContext.Provider value={app}>
      <Root />
    </AppContext.Provider>,
    root,
  );
}
