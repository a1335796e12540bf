package agreement

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// The golden file is written once and then kept for ever: whoever runs this again
// proves nothing any more about the agreements that are out.
var writeGolden = flag.Bool("write-golden", false, "make testdata/agreement-v1.hezuo.json anew")

const (
	goldenFile = "agreement-v1" + Extension
	goldenKeys = "agreement-v1.jwks.json"
)

func golden(t testing.TB) genuine {
	t.Helper()
	full := must(os.ReadFile(filepath.Join("testdata", goldenFile)))(t)
	var trusted jose.JSONWebKeySet
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join("testdata", goldenKeys)))(t), &trusted); err != nil {
		t.Fatal(err)
	}
	return genuineOf(t, full, trusted)
}

// A file of version 1 verifies for ever.
func TestGolden(t *testing.T) {
	if *writeGolden {
		w := newWorld(t)
		employer, owner := w.person("13900000011"), w.person("13900000012")
		s := sides{employer: employer, owner: owner, employerParty: employer.party(individualForm(t)), ownerParty: owner.party(cooperativeForm(t))}
		it := w.concluded(s)
		for name, data := range map[string][]byte{
			goldenFile: must(w.agreements.File(t.Context(), owner.caller(), it.ID))(t),
			goldenKeys: must(json.MarshalIndent(must(w.agreements.PlatformJWKS(t.Context()))(t), "", "  "))(t),
		} {
			if err := os.WriteFile(filepath.Join("testdata", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	g := golden(t)
	r := VerifyFile(g.files[0], g.trusted)
	if !r.OK || !r.Trusted {
		t.Fatalf("%+v", r.Findings)
	}
	const want = "用工主体：周***；队伍所有方：东昌府区某农村劳务专业合作社（93371502MA3C8D9E1"
	if !strings.HasPrefix(r.Summary.Zh, want) || !strings.HasSuffix(r.Summary.Zh, "每天5人，每天7.5小时；报酬150.00元/人·天，完工支付。签署时间：2026-03-02 09:12:00（北京时间）。") {
		t.Errorf("the summary is %s", r.Summary.Zh)
	}
}
