// Package faultfs is a file system in memory for tests of what an index does when
// the power goes, an operation fails, the disk is full or a bit flips.
//
// [New] makes one, and it is a [vfs.FS]. For every file it knows which bytes are
// synced, and for every directory which names are. [FS.Crash] makes another one out
// of what a disk may hold after a power cut. It promises what vfs promises and
// nothing more, also where real file systems are kinder, so that code which is
// right here is right on all of them:
//
//   - The names of one directory survive up to some point: the changes since the
//     last SyncDir happen on the disk in the order in which they were made, as a
//     journal writes them, and a random number of the last ones is lost. A journal
//     orders the changes of all directories; here each directory is cut at a point
//     of its own, so that a SyncDir that is missing is not made up for by one
//     elsewhere.
//   - The bytes of a file are independent of its name: a file may be there, renamed
//     even, and be empty. Of the bytes that were not synced there survive all, none,
//     the first few, or the length alone with zeros in some sectors. Bytes that
//     were synced are never touched.
//   - After a Sync that failed nothing more of that file becomes durable, though
//     later calls succeed. Linux does so with the pages concerned.
//
// Everything is decided by the random numbers that the caller brings: the same
// operations and the same seed make the same disk.
package faultfs
