// Package test proves the whole program: the real binary, built with the race
// detector and started as a child process on a port of its own, spoken to over
// HTTP and websockets alone. What one room promises is tested beside it; here
// stands what only the whole can break: who may call what, what happens to bad
// input, what a SIGKILL loses, how the program stops, where personal data ends
// up.
//
// It must not reach into a running server. A store is read only after its
// processes have ended, and every flow ends with hezuo check.
//
// The names of this package's own settings do not begin with HEZUO_, which the
// program would refuse, except HEZUO_PROVE, which asks for the long proofs.
package test
