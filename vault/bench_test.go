package vault

import (
	"testing"
)

const message = "您好，明天早上七点在村委会门口集合，带上手套和水，工钱按天结算。"

func BenchmarkSeal(b *testing.B) {
	v := newHouse(b).vault(b, fileKMS(b, "m1"))
	mustSeal(b, v, "p-1", "text", message)
	b.ReportAllocs()
	for b.Loop() {
		mustSeal(b, v, "p-1", "text", message)
	}
}

func BenchmarkOpen(b *testing.B) {
	v := newHouse(b).vault(b, fileKMS(b, "m1"))
	s := mustSeal(b, v, "p-1", "text", message)
	b.ReportAllocs()
	for b.Loop() {
		mustOpen(b, v, "p-1", "text", s)
	}
}

func BenchmarkOpenParallel(b *testing.B) {
	v := newHouse(b).vault(b, fileKMS(b, "m1"))
	s := mustSeal(b, v, "p-1", "text", message)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Open(b.Context(), "p-1", "text", s); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkOpenCold reads the key's document and unwraps it each time.
func BenchmarkOpenCold(b *testing.B) {
	h := newHouse(b)
	v := h.vault(b, fileKMS(b, "m1"))
	s := mustSeal(b, v, "p-1", "text", message)
	b.ReportAllocs()
	for b.Loop() {
		h.clock.Add(MaxCacheFor)
		mustOpen(b, v, "p-1", "text", s)
	}
}

func BenchmarkHash(b *testing.B) {
	v := newHouse(b).vault(b, fileKMS(b, "m1"))
	b.ReportAllocs()
	for b.Loop() {
		v.Hash("phone", "13812341234")
	}
}
