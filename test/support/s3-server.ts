import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { freePort } from './ports.ts';
import { RGW_ACCESS_KEY_ID, RGW_SECRET_ACCESS_KEY, startRgw } from './rgw.ts';

export interface Bucket {
  readonly name: string;
  put(key: string, bytes: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Makes a bucket; it goes with the server, or at `stop`. */
  createBucket(name: string): Promise<Bucket>;
  /** CPU time of it so far, in seconds; 0 where that is not known. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Which S3 server the tests run against: the one that `S3_TEST_ENDPOINT` names, else Ceph's RADOS Gateway, else, but
 * not in CI, npm's `s3rver`, which is good for a smoke test only: it keeps streamed uploads damaged, ignores
 * `If-Match`, checks no signature and lists keys in another order.
 */
export const s3ServerKind: 'given' | 'rgw' | 's3rver' = (() => {
  if (process.env.S3_TEST_ENDPOINT) return 'given';
  if (spawnSync('radosgw', ['--version']).status === 0) return 'rgw';
  if (process.env.CI)
    throw new Error(
      'radosgw is not installed: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd',
    );
  return 's3rver';
})();

/** Starts the server; one for a test file is fine. */
export async function startS3(): Promise<S3Server> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { stop, ...place } = await starters[s3ServerKind]();
  const region = process.env.S3_TEST_REGION ?? 'us-east-1';
  const client = new S3Client({
    region,
    endpoint: place.endpoint,
    forcePathStyle: true,
    credentials: place,
    // What the SDK would add by itself turns uploads into a form that not every server understands.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const buckets: string[] = [];

  /** Leaves nothing behind on a server that stays. */
  const removeBuckets = async () => {
    for (const Bucket of buckets) {
      for (;;) {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
        if (Contents.length === 0) break;
        await Promise.all(
          Contents.map(({ Key }) => client.send(new DeleteObjectCommand({ Bucket, Key: Key as string }))),
        );
      }
      await client.send(new DeleteBucketCommand({ Bucket }));
    }
  };

  return {
    ...place,
    region,
    createBucket: async (name) => {
      await client.send(new CreateBucketCommand({ Bucket: name }));
      buckets.push(name);
      return {
        name,
        put: async (Key, Body) => {
          await client.send(new PutObjectCommand({ Bucket: name, Key, Body }));
        },
        remove: async (Key) => {
          await client.send(new DeleteObjectCommand({ Bucket: name, Key }));
        },
      };
    },
    stop: async () => {
      if (s3ServerKind === 'given') await removeBuckets();
      client.destroy();
      await stop();
    },
  };
}

type Started = Pick<S3Server, 'endpoint' | 'accessKeyId' | 'secretAccessKey' | 'cpuSeconds' | 'stop'>;

const starters: Record<typeof s3ServerKind, () => Promise<Started>> = {
  given: async () => ({
    endpoint: process.env.S3_TEST_ENDPOINT ?? '',
    accessKeyId: process.env.S3_TEST_ACCESS_KEY_ID ?? '',
    secretAccessKey: process.env.S3_TEST_SECRET_ACCESS_KEY ?? '',
    cpuSeconds: async () => 0,
    stop: async () => {},
  }),
  rgw: async () => ({
    ...(await startRgw()),
    accessKeyId: RGW_ACCESS_KEY_ID,
    secretAccessKey: RGW_SECRET_ACCESS_KEY,
  }),
  s3rver: async () => {
    // The package has no types.
    const { default: S3rver } = await import('s3rver' as string);
    const directory = await mkdtemp(join(tmpdir(), 's3rver-'));
    const port = await freePort();
    const server = new S3rver({ address: '127.0.0.1', port, silent: true, directory });
    await server.run();
    return {
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      cpuSeconds: async () => 0,
      stop: async () => {
        await server.close();
        await rm(directory, { recursive: true });
      },
    };
  },
};
