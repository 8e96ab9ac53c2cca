// Package config holds every setting of the product, its default and its bounds.
package config
