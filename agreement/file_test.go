package agreement

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"hezuo/fault"
	"hezuo/matching"
	"hezuo/store"
)

// reveals lists the purposes in the trail of a party's key, with who asked.
func (w *world) reveals(party string) []string {
	w.t.Helper()
	var out []string
	for _, r := range must(w.db.Read(w.t.Context(), store.AuditLog("vault_keys", party), 0, 1000))(w.t) {
		var rec store.AuditRecord
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			w.t.Fatal(err)
		}
		if rec.Act == "vault.reveal" {
			out = append(out, rec.Actor+": "+rec.Why)
		}
	}
	return out
}

// Who gets which disclosures, and what stands in the trails of those they are about.
func TestFileDiscloses(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	trusted := must(w.agreements.PlatformJWKS(t.Context()))(t)
	disclosed := func(data []byte, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r := VerifyFile(data, trusted); !r.OK {
			t.Errorf("%+v", r.Findings)
		}
		return len(must(decode[File](data, maxFile))(t).Disclosures)
	}
	trails := func() [2]int { return [2]int{len(w.reveals(s.employerParty)), len(w.reveals(s.ownerParty))} }

	for _, p := range []*person{w.operator, w.auditor} {
		if n := disclosed(w.agreements.File(t.Context(), p.caller(), it.ID)); n != 0 || trails() != [2]int{} {
			t.Errorf("%d disclosures, trails %v", n, trails())
		}
	}
	if n := disclosed(w.agreements.File(t.Context(), s.employer.caller(), it.ID)); n != 2 || trails() != [2]int{0, 1} {
		t.Errorf("%d disclosures, trails %v", n, trails())
	}
	if n := disclosed(w.agreements.File(t.Context(), s.owner.caller(), it.ID)); n != 2 || trails() != [2]int{1, 1} {
		t.Errorf("%d disclosures, trails %v", n, trails())
	}
	if got := w.reveals(s.ownerParty); got[0] != s.employer.ID+": "+copyPurpose {
		t.Errorf("the trail says %v", got)
	}

	if n := disclosed(w.agreements.RevealFile(t.Context(), w.auditor.caller(), w.cmd(w.auditor.ID), it.ID, "case 17 of the labour inspection")); n != 2 || trails() != [2]int{2, 2} {
		t.Errorf("%d disclosures, trails %v", n, trails())
	}
	if got := w.reveals(s.employerParty); got[1] != w.auditor.ID+": case 17 of the labour inspection" {
		t.Errorf("the trail says %v", got)
	}
	for _, purpose := range []string{"", "no", strings.Repeat("x", 301), "13900000011 asked for it"} {
		if _, err := w.agreements.RevealFile(t.Context(), w.auditor.caller(), w.cmd(w.auditor.ID), it.ID, purpose); !fault.Is(err, fault.Invalid) {
			t.Errorf("purpose %q: %v", purpose, err)
		}
	}
	for _, p := range []*person{w.operator, s.owner} {
		if _, err := w.agreements.RevealFile(t.Context(), p.caller(), w.cmd(p.ID), it.ID, "case 17 of the labour inspection"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("not an auditor: %v", err)
		}
	}
	if trails() != [2]int{2, 2} {
		t.Errorf("trails %v", trails())
	}
	w.check()
}

// The file is a JWS that a library which knows nothing of us verifies, and the
// countersignature is one by the published key.
func TestFileIsAJWS(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	data := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t)
	f := must(decode[File](data, maxFile))(t)

	signed, err := jose.ParseSignedJSON(string(data), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range roles {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(must(json.Marshal(f.Bindings[i].Key))(t)); err != nil {
			t.Fatal(err)
		}
		index, _, payload, err := signed.VerifyMulti(key)
		if err != nil || index != i || string(payload) != it.Doc.Payload {
			t.Errorf("%s: signature %d, %v", r, index, err)
		}
	}
	counter, err := jose.ParseSignedCompact(f.Platform.Protected+"."+f.Platform.Payload+"."+f.Platform.Signature, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	// As the world reads it: over JSON.
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(must(json.Marshal(must(w.agreements.PlatformJWKS(t.Context()))(t)))(t), &set); err != nil {
		t.Fatal(err)
	}
	if keys := set.Key(f.Platform.Key.Kid); len(keys) != 1 {
		t.Fatalf("keys %+v", set)
	} else if _, err := counter.Verify(keys[0]); err != nil {
		t.Error(err)
	}
	if r := VerifyFile(data, set); !r.OK || !r.Trusted {
		t.Errorf("%+v", r.Findings)
	}
}

// The keys of the house are made once, stay published for ever, and only the newest
// can sign.
func TestPlatformKeys(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	first := w.concluded(s)
	before := must(w.agreements.PlatformJWKS(t.Context()))(t)
	if again := must(w.node("n2").PlatformJWKS(t.Context()))(t); len(before.Keys) != 1 || len(again.Keys) != 1 || again.Keys[0].KeyID != before.Keys[0].KeyID {
		t.Fatalf("keys %+v, then %+v", before, again)
	}
	if err := w.agreements.RotatePlatformKey(t.Context(), w.cmd("system:test"), ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	cmd := w.cmd("system:test")
	for range 2 { // the second is a repeat
		if err := w.agreements.RotatePlatformKey(t.Context(), cmd, "the yearly change"); err != nil {
			t.Fatal(err)
		}
	}
	after := must(w.agreements.PlatformJWKS(t.Context()))(t)
	if len(after.Keys) != 2 || after.Keys[1].KeyID != before.Keys[0].KeyID {
		t.Fatalf("keys %+v", after)
	}
	for _, k := range after.Keys {
		if !k.IsPublic() {
			t.Error("a private key is published")
		}
	}
	doc := must(w.agreements.platform.Get(t.Context(), ringID))(t)
	if doc.Doc.Keys[1].Private != "" || doc.Doc.Keys[0].Private == "" {
		t.Error("the private parts are not where they belong")
	}

	s2 := sides{employer: s.employer, owner: w.person("13900000041"), employerParty: s.employerParty}
	form := cooperativeForm(t)
	form.CreditCode = creditCode(t, "93371502MA3C8D9G1")
	s2.ownerParty = s2.owner.party(form)
	w.clock.Add(24 * 3600e9)
	second := w.concluded(s2)
	for _, tt := range []struct {
		it      store.Item[Agreement]
		trusted jose.JSONWebKeySet
		ok      bool
	}{{first, before, true}, {first, after, true}, {second, after, true}, {second, before, false}} {
		data := must(tt.it.Doc.file(nil))(t)
		if r := VerifyFile(data, tt.trusted); r.OK != tt.ok || r.Trusted != tt.ok {
			t.Errorf("%+v", r.Findings)
		}
		// Without keys the file is whole, and the reader is told what to compare.
		r := VerifyFile(data, jose.JSONWebKeySet{})
		byHand := 0
		for _, f := range r.Findings {
			if f.ByHand && strings.Contains(f.Zh, r.PlatformKey) && strings.Contains(f.En, r.PlatformKey) {
				byHand++
			}
		}
		if !r.OK || r.Trusted || byHand != 1 || r.PlatformKey != tt.it.Doc.Countersignature.Key.Kid {
			t.Errorf("%+v", r)
		}
	}
	if second.Doc.Signatures[0].Role != matching.Employer {
		t.Error("the employer's signature is not the first")
	}
	w.check()
}
