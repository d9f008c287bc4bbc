/** Where a bucket is, and the credentials for it. */
export interface S3Options {
  bucket: string;
  region: string;
  /** Empty, or ends in `/`. */
  prefix: string;
  endpoint: string | undefined;
  /** Undefined: the standard AWS chain. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}
