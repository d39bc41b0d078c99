//! moto, which speaks S3 and checks no signature.
