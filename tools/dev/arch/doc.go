// Package arch holds no code: its test keeps the directions in which the packages
// of this project import each other.
//
//	floor 3   tools/dev/                                module/  (module, plaid)
//	             |                                     /      |        \
//	floor 2      +------------> multivector/ <--------+       |         |
//	                                |                         v         v
//	floor 1                      maxsim/               vectorizer/   config/
package arch
