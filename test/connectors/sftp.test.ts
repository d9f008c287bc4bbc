import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import { openSftp } from '../../src/connectors/sftp.ts';
import { hasSshd, optionsFor, startSshd } from '../support/sshd.ts';
import { describeConnector } from './contract.ts';

describe.skipIf(!hasSshd)('on OpenSSH', () => {
  describeConnector('sftp', {
    seal: 'marker',
    layout: 'free',
    noticesSameSize: true,
    start: async () => {
      const sshd = await startSshd();
      // The protocol has times in whole seconds: each put is a second later than the last.
      let second = Date.UTC(2026, 0, 1) / 1000;
      return {
        put: async (path, bytes) => {
          const file = join(sshd.data, path);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, bytes);
          second += 1;
          await utimes(file, second, second);
        },
        remove: (path) => rm(join(sshd.data, path)),
        connector: () => openSftp(optionsFor(sshd)),
        stop: () => sshd.stop(),
      };
    },
  });
});
