/** What a person may set; see `schema/panel.json`. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

export interface PanelSettings {
  side: 'left' | 'right';
  badge: boolean;
  notify: boolean;
}

export const DEFAULTS: PanelSettings = { side: 'left', badge: true, notify: true };

export function readSettings(settings: ISettingRegistry.ISettings): PanelSettings {
  const { composite } = settings;
  return {
    side: composite.side === 'right' ? 'right' : 'left',
    badge: composite.badge !== false,
    notify: composite.notify !== false
  };
}
