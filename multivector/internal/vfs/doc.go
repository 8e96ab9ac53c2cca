// Package vfs is the file system that the index sees.
//
// [FS] has the few operations that a set of immutable files needs: a file is
// created, written from front to back, synced, closed, and then only read, mapped,
// renamed or removed. Nothing writes into a file that exists, so nothing can
// shrink one under a reader. [OS] is the real file system, the package faultfs one
// in memory that loses what was not synced and fails where a test tells it to.
//
// # What survives a power cut
//
// Two things are durable only once they are synced, and apart from each other: the
// bytes of a file after [File.Sync], and the names in a directory (created,
// renamed, removed) after [FS.SyncDir]. Syncing a file says nothing of its name.
// What is not synced may be on the disk, wholly or in part, or not. A rename
// happens or does not: there is no moment at which the new name means neither the
// old file nor the new one.
//
// A Sync that failed is final for its file. Linux marks the pages that it could
// not write as clean, so that the next Sync succeeds without them; the file has to
// be written anew under another name. [WriteFile] does all of this.
//
// # Reading what is mapped
//
// A page that the disk cannot deliver, or that lies behind the end of a file that
// somebody cut short, is a signal to whoever touches it, and Go ends the process.
// [Guard] makes it an error.
package vfs
