// Package kernel holds the inner loops of package maxsim, for every processor
// that it knows, behind one set of function types.
//
// A kernel scores a group of query rows, its lanes, against rows of a document.
// The query is packed so that one dimension of all lanes stands together; the
// document is read row-major, where it lies. For each row, one number at a time
// is broadcast to all lanes and multiplied into as many running sums; a tile of
// several rows is under way at once, so that every packed number is loaded once
// for all of them. When the rows do not fill the last tile, it steps back over
// rows that were seen before: a maximum does not mind.
//
// Every dot product is one chain of fused multiply-adds in the order of the
// dimensions, so the float32 kernels of all processors agree to the last bit;
// the portable ones agree only where the compiler fuses. The int8 kernels agree
// everywhere: their sums are integers, and what follows is rounded one operation
// at a time.
//
// No kernel allocates, starts a goroutine or calls C. None checks its arguments:
// package maxsim does.
package kernel
