package vault

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// What stores out there hold. It must open, and hash alike, for ever: whoever
// changes a form gives the new one another version.
const (
	storedSealed  = "v1.vTxMDenwsv4a_WHL8GDdiSam4zm7YFlQIXbS8rjMHK9F8epBh8RK"
	storedMaster  = "file-045e5de194ded0b8"
	storedWrapped = "bd5e2f5c89abfe08509a3aa5127b9a81267e270e620c7617cc59a3043c4d7d3e335902e0da6c08535ba689ff89b0171d9abf76aa5a16a0255456967c"
	storedHash    = "f88712d7582c2d0ee5ff984f2a5e9cfd77ec95db"
)

func TestStoredForms(t *testing.T) {
	aead, err := newAEAD(masterKey("data"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(aead, "p-1", "phone", storedSealed); got != "13812341234" || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
	wrapped, err := hex.DecodeString(storedWrapped)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fileKMS(t, "m1").Unwrap(t.Context(), storedMaster, wrapped, keyPlace("vault_keys", "p-1"))
	if !bytes.Equal(got, masterKey("data")) || err != nil {
		t.Errorf("unwrapped %x, %v", got, err)
	}
	if got := newMAC(masterKey("data"))("phone", "13812341234"); got != storedHash {
		t.Errorf("hash %s", got)
	}
}
