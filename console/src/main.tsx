import { render } from 'preact';
import { App } from './app.js';
import { followLinks } from './state/location.js';
import { followTheme } from './state/preferences.js';
import './styles.css';

followTheme();
followLinks();
render(<App />, document.getElementById('root') as HTMLElement);
