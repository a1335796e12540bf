package storetest_test

import (
	"testing"

	"hezuo/store"
	"hezuo/store/storetest"
)

// TestMemory proves the suite itself, on the plainest backend.
func TestMemory(t *testing.T) {
	var m storetest.Memory
	storetest.Run(t, storetest.Backend{Open: func(_ *testing.T, dir string) store.DB { return m.Open(dir) }})
}
