import { options, render } from 'preact';
import { createApp } from './app';
import './styles/tokens.css';
import './styles/base.css';
import './styles/forms.css';
import './styles/auth.css';
import './styles/shell.css';
import './styles/rooms.css';
import './styles/timeline.css';
import './styles/composer.css';
import './styles/members.css';
import './styles/dialog.css';
import './styles/account.css';
import { AppContext } from './views/parts/context';
import { Root } from './views/shell/Root';

// A burst of events is one rendering per frame; frames stop in a hidden window, so a timer steps in.
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

const root = document.getElementById('app');
if (root) {
  const app = await createApp(window);
  render(
    <AppContext.Provider value={app}>
      <Root />
    </AppContext.Provider>,
    root,
  );
}
