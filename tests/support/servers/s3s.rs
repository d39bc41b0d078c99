//! s3s-fs, which speaks S3 and checks signatures.
