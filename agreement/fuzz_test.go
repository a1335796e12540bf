package agreement

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/gowebpki/jcs"
)

// splices put bytes in the place of one part of a file, so that fuzzing reaches what
// stands behind the file's own form. The first is the file itself.
var splices = []struct {
	part func(*File) *string
	b64  bool // the part is base64url of the bytes
}{
	{},
	{func(f *File) *string { return &f.Payload }, true},
	{func(f *File) *string { return &f.Signatures[0].Protected }, true},
	{func(f *File) *string { return &f.Signatures[1].Signature }, true},
	{func(f *File) *string { return &f.Signatures[1].Signature }, false},
	{func(f *File) *string { return &f.Bindings[0].Proof.Possession }, false},
	{func(f *File) *string { return &f.Bindings[1].Key.X }, false},
	{func(f *File) *string { return &f.Bindings[1].Proof.Code }, false},
	{func(f *File) *string { return &f.Platform.Payload }, true},
	{func(f *File) *string { return &f.Platform.Protected }, true},
	{func(f *File) *string { return &f.Platform.Signature }, true},
	{func(f *File) *string { return &f.Platform.Key.X }, false},
	{func(f *File) *string { return &f.Disclosures[0].Salt }, false},
	{func(f *File) *string { return &f.Disclosures[2].Value }, false},
}

// VerifyFile never panics, always says in words what it found, and takes nothing but
// the genuine files. Run it with -fuzzminimizetime 10x: else minimising one input of
// this size takes the whole time, and those runs are not counted.
func FuzzVerifyFile(f *testing.F) {
	g := golden(f)
	whole := must(decode[File](g.files[0], maxFile))(f)
	for _, file := range g.files {
		f.Add(uint8(0), file)
		for _, old := range []string{`"employer"`, `"owner"`, `"version":1`, `"signatures":[`, `"disclosures":`} {
			f.Add(uint8(0), bytes.Replace(file, []byte(old), []byte(`"x"`), 1))
		}
		f.Add(uint8(0), file[:len(file)/2])
	}
	f.Add(uint8(0), []byte(`{"type":"hezuo.agreement-file","version":1,"payload":"e30","signatures":[{},{}],"bindings":[{},{}],"platform":{}}`))
	for i, s := range splices[1:] {
		part := []byte(*s.part(&whole))
		if s.b64 {
			part = must(unb64(string(part)))(f)
		}
		f.Add(uint8(i+1), part)
	}
	f.Fuzz(func(t *testing.T, where uint8, data []byte) {
		if s := splices[int(where)%len(splices)]; s.part != nil {
			file := clone(t, whole)
			*s.part(&file) = string(data)
			if s.b64 {
				*s.part(&file) = b64(data)
			}
			var err error
			if data, err = canonical(file); err != nil {
				return
			}
		}
		with, without := VerifyFile(data, g.trusted), VerifyFile(data, jose.JSONWebKeySet{})
		if with.OK != g.is(data) {
			t.Fatalf("%v: %+v", with.OK, with.Findings)
		}
		if without.OK != with.OK || without.Trusted || with.OK && !with.Trusted || with.OK != (with.Summary != nil) {
			t.Fatalf("%+v, and without keys %+v", with, without)
		}
		if len(with.Findings) == 0 {
			t.Fatal("nothing was found")
		}
		for _, finding := range with.Findings {
			if finding.Zh == "" || finding.En == "" {
				t.Fatalf("a finding without words: %+v", finding)
			}
		}
	})
}

// A payload that is read is canonical, is read again to the same, and is what
// RFC 8785 makes of it; nothing else is read.
func FuzzCanonical(f *testing.F) {
	g := golden(f)
	file, err := decode[File](g.files[0], maxFile)
	if err != nil {
		f.Fatal(err)
	}
	payload, err := unb64(file.Payload)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	for _, change := range [][2]string{
		{`15000`, `15e3`},
		{`7.5`, `7.50`},
		{`"people":5`, `"people":5,"people":5`},
		{`"task"`, `"Task"`},
		{`采`, `\u91c7`},
		{`<`, `\u003c`},
		{`:`, `: `},
		{`"lat"`, `"lon"`},
		{`\n`, "\n"},
		{`"version":1`, `"version":1.0`},
		{`"commitments":{`, `"commitments":{"full_name":"",`},
	} {
		f.Add(bytes.Replace(payload, []byte(change[0]), []byte(change[1]), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decode[Contract](data, maxContract)
		if err != nil {
			if _, err := ParseContract(data); err == nil {
				t.Fatal("it is parsed and not decoded")
			}
			return
		}
		again, err := canonical(c)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s became %s (%v)", data, again, err)
		}
		theirs, err := jcs.Transform(data)
		if err != nil || !bytes.Equal(theirs, data) {
			t.Fatalf("%s is canonically %s (%v)", data, theirs, err)
		}
		if !json.Valid(data) {
			t.Fatal("it is no JSON")
		}
		if parsed, err := ParseContract(data); err == nil {
			if parsed != c && parsed.Terms.Site.Point == nil {
				t.Fatal("it is parsed to another contract")
			}
			if hash, err := parsed.Terms.hash(); err != nil || hash != parsed.TermsSHA256 {
				t.Fatal("the terms are not those of their hash")
			}
			summarise(&parsed)
		}
	})
}
