import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where there is no gpg the tests are skipped; in CI that must not go unseen, and they fail. */
export const hasGpg = spawnSync('gpg', ['--version']).status === 0 || Boolean(process.env.CI);

/** A key pair in the home of a {@link Gpg}. */
export interface GpgKey {
  /** What gpg knows it by. */
  id: string;
  passphrase: string;
}

/** The real gpg, with a home of its own: makes keys, exports them, and encrypts for them. */
export class Gpg implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'gpg-'));
  #keys = 0;

  constructor() {
    // Few rounds: what it takes to open a key is not what is tested.
    writeFileSync(join(this.home, 'gpg-agent.conf'), 's2k-count 65536\n');
  }

  /** @param passphrase empty: none */
  createKey(kind: 'rsa' | 'cv25519' | 'brainpool', passphrase = ''): GpgKey {
    this.#keys += 1;
    const id = `key${this.#keys}@example.com`;
    if (kind === 'cv25519') {
      this.#run(['--passphrase', passphrase, '--quick-gen-key', id, 'future-default', 'default', 'never']);
    } else {
      const [curve, subCurve] = ['Key-Curve: brainpoolP256r1', 'Subkey-Curve: brainpoolP256r1'];
      const made =
        kind === 'rsa'
          ? ['Key-Type: RSA', 'Key-Length: 2048', 'Subkey-Type: RSA', 'Subkey-Length: 2048']
          : ['Key-Type: ECDSA', curve, 'Subkey-Type: ECDH', subCurve];
      const protection = passphrase === '' ? '%no-protection' : `Passphrase: ${passphrase}`;
      this.#run(['--gen-key'], [...made, `Name-Email: ${id}`, 'Expire-Date: 0', protection, ''].join('\n'));
    }
    return { id, passphrase };
  }

  /**
   * The private half, as a person exports it.
   * @param options such as `--armor`
   * @param what `--export-secret-subkeys` leaves out the primary key, which decrypts nothing
   */
  exportKey({ id, passphrase }: GpgKey, options: string[] = [], what = '--export-secret-keys'): Buffer {
    return this.#run([...options, '--passphrase', passphrase, what, id]);
  }

  exportPublicKey({ id }: GpgKey): Buffer {
    return this.#run(['--armor', '--export', id]);
  }

  /** @param options such as `--armor`, or `--compress-algo none` */
  encrypt(plain: string | Uint8Array, { id }: GpgKey, options: string[] = []): Buffer {
    return this.#run([...options, '--recipient', id, '--encrypt'], plain);
  }

  #run(words: string[], input: string | Uint8Array = ''): Buffer {
    const common = ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--trust-model', 'always'];
    const done: SpawnSyncReturns<Buffer> = spawnSync('gpg', [...common, ...words], {
      input,
      maxBuffer: 2 ** 30,
      env: { ...process.env, GNUPGHOME: this.home },
    });
    if (done.status === 0) return done.stdout;
    throw new Error(`gpg ${words.join(' ')}: ${done.error?.message ?? done.stderr.toString()}`);
  }

  [Symbol.dispose](): void {
    spawnSync('gpgconf', ['--homedir', this.home, '--kill', 'all']);
    rmSync(this.home, { recursive: true, force: true });
  }
}
