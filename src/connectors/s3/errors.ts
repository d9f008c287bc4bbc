import { type ErrorDetails, SourceError } from '../../errors.ts';
import { ListingProblem } from './listing.ts';
import type { S3Options } from './options.ts';
import { ResponseTooLong } from './response-limit.ts';

/** The fields that the SDK's errors may have. */
interface AwsError extends Error {
  code?: string;
  /** Of wrong-region answers: the right one. */
  Region?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
}

const TLS =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_|ERR_TLS_|ERR_SSL_|EPROTO)/;

const TRANSIENT = new Set(
  'ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ERR_STREAM_PREMATURE_CLOSE'.split(' '),
);

/** The SDK's words for an answer that it cannot parse. */
const UNREADABLE = /XML parse error|Deserialization error/;

/**
 * Explains an error of the AWS SDK, and what to do about it.
 * @param doing what was tried, for the message: `list s3://bucket/prefix`
 */
export function explainS3(error: unknown, doing: string, options: S3Options): SourceError {
  if (error instanceof SourceError) return error;
  const { message, ...details } = reason(error as AwsError, options);
  return new SourceError(`cannot ${doing}: ${message}`, { ...details, cause: error });
}

/** The status of the answer that an error came with; undefined when there was none. */
export function httpStatus(error: unknown): number | undefined {
  return (error as AwsError).$metadata?.httpStatusCode;
}

function reason(error: AwsError, options: S3Options): ErrorDetails & { message: string } {
  const { bucket, region, endpoint } = options;
  const host = endpoint ?? `S3 in ${region}`;
  const status = httpStatus(error);
  const elsewhereHint =
    'Look at `endpoint` of this source: another kind of server may listen there, such as a console, or a proxy in between.';
  if (error instanceof ListingProblem)
    return { message: `${host} does not list as S3 does: ${error.message}`, hint: elsewhereHint };
  if (error instanceof ResponseTooLong)
    // The SDK has appended text of its own.
    return {
      message: `${host} does not answer as S3 does: ${error.message.split('\n')[0]}`,
      hint: elsewhereHint,
    };
  const keys = options.credentials
    ? 'access_key_id and secret_access_key of this source'
    : 'the credentials that the AWS chain finds';

  switch (error.name) {
    case 'NoSuchBucket':
      return {
        message: `there is no bucket ${bucket} at ${host}`,
        hint: 'Set `bucket` of this source, or correct company, environment and region, which its name is made from.',
      };
    case 'InvalidAccessKeyId':
      return { message: 'the access key ID is not known there', hint: `Look at ${keys}.` };
    case 'SignatureDoesNotMatch':
      return {
        message: 'the secret access key does not belong to the access key ID',
        hint: `Look at ${keys}: often a blank or a line break was copied along.`,
      };
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return {
        message: 'the temporary credentials have expired',
        hint: 'Get new ones, e.g. with `aws sso login`, and run again.',
      };
    case 'RequestTimeTooSkewed':
      return { message: "this machine's clock is wrong", hint: 'Set the clock (NTP) and run again.' };
    case 'CredentialsProviderError':
    case 'TokenProviderError':
      return {
        message: `no AWS credentials: ${error.message}`,
        hint: 'Set access_key_id and secret_access_key of this source, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives them.',
      };
  }
  const elsewhere = otherRegion(error);
  if (status === 301 || elsewhere)
    return {
      message: `the bucket ${bucket} is not in the region ${region}`,
      hint: `Set \`region\` of this source to ${elsewhere ?? 'the region of the bucket'}.`,
    };
  if (status === 401 || status === 403)
    return {
      message: `access to the bucket ${bucket} is denied`,
      hint: `Ask for s3:ListBucket and s3:GetObject on it, and kms:Decrypt where it is encrypted, for ${keys}.`,
    };
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      message: `the name of ${host} does not resolve`,
      hint: `Look at \`${endpoint ? 'endpoint' : 'region'}\` of this source, and at this machine's network.`,
      retryable: true,
    };
  if (code === 'ECONNREFUSED')
    return {
      message: `${host} refuses the connection`,
      hint: 'Look at `endpoint` of this source, and whether the server is up.',
      retryable: true,
    };
  if (TLS.test(code))
    return {
      message: `no secure connection to ${host}: ${code === 'EPROTO' ? 'the TLS handshake failed' : error.message}`,
      hint: 'Where a company proxy or a private authority signs the certificates, set NODE_EXTRA_CA_CERTS to its certificate file; where the server has no TLS, begin `endpoint` with http://.',
    };
  if (UNREADABLE.test(error.message))
    return {
      message: `${host} answers ${status}, but not as S3 does`,
      hint: elsewhereHint,
      retryable: status !== undefined && status >= 500,
    };
  if (error.name === 'TimeoutError' || TRANSIENT.has(code) || (status !== undefined && status >= 500))
    return {
      message: `${host} does not answer well: ${error.message || code}`,
      hint: 'Run again later; what came is kept.',
      retryable: true,
    };
  return { message: `${error.name}: ${error.message || code}`, retryable: status === 429 };
}

/** The region that an answer names as the bucket's own. */
function otherRegion(error: AwsError): string | undefined {
  if (error.name === 'AuthorizationHeaderMalformed')
    return error.Region ?? /expecting '([^']+)'/.exec(error.message)?.[1];
  if (error.name === 'PermanentRedirect') return error.$response?.headers?.['x-amz-bucket-region'];
  return undefined;
}
