package config

// Version is the version of this product, which `/v1/meta` shows beside the
// model it runs. Weaviate's own version is that of go.mod.
const Version = "0.1.0"
