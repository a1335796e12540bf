package agreement

import "testing"

// What verifying a file costs: two device keys' proofs, two signatures, the house's.
func BenchmarkVerifyFile(b *testing.B) {
	w := newWorld(b)
	g := w.genuine(w.sides())
	b.SetBytes(int64(len(g.files[0])))
	for b.Loop() {
		if r := VerifyFile(g.files[0], g.trusted); !r.OK {
			b.Fatal(r.Findings)
		}
	}
}
