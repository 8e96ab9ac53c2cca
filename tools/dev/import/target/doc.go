// Package target is the collection that pages go to: it checks that the server and the collection are what an import
// needs, asks which pages are there already, and sends batches.
package target
