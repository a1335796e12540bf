package agreement

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hezuo/matching"
)

// Finding is one thing that the verifier looked at, in words.
type Finding struct {
	OK bool `json:"ok"`
	// ByHand says that this holds only if the reader compares what is named in it
	// by another way.
	ByHand bool   `json:"by_hand,omitempty"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
}

// Result is what [VerifyFile] found. It holds no personal data beyond what the
// contract says in clear.
type Result struct {
	// OK says that every finding is. Without Trusted it means only that the file is
	// whole and was countersigned by whoever has the key PlatformKey.
	OK bool `json:"ok"`
	// Trusted says that the countersignature is by a key of the trusted set.
	Trusted     bool      `json:"trusted"`
	PlatformKey string    `json:"platform_key,omitempty"` // RFC 7638 thumbprint
	Findings    []Finding `json:"findings"`
	Summary     *Summary  `json:"summary,omitempty"` // only if OK: what is refused is not retold
}

// VerifyFile judges an agreement's file by itself: no store, no clock, no network.
// It accepts the genuine file, with the disclosures of both sides, of one or of
// none, and no other bytes. trusted are the house's keys, as published by
// [Agreements.PlatformJWKS]; without any the result says which key the reader must
// compare.
func VerifyFile(data []byte, trusted jose.JSONWebKeySet) Result {
	e := &examination{trusted: trusted}
	for _, step := range []func() bool{
		func() bool { return e.open(data) }, e.readContract, e.checkSignatures, e.checkStatement, e.checkTimes, e.checkTrust, e.checkDisclosed,
	} {
		if !step() {
			break // what follows would judge what is not there
		}
	}
	e.result.OK = true
	for _, f := range e.result.Findings {
		e.result.OK = e.result.OK && f.OK
	}
	if e.result.OK {
		e.result.Summary = e.summary
	}
	return e.result
}

// examination is the verifier's work on one file. Each step adds its findings, and
// tells whether the next can be taken.
type examination struct {
	trusted   jose.JSONWebKeySet
	file      File
	payload   []byte
	contract  Contract
	headers   []Header
	statement Statement
	summary   *Summary
	result    Result
}

// find adds a finding: the words for what holds, or err's after those for what
// does not.
func (e *examination) find(err error, good, bad Flaw) bool {
	if err == nil {
		e.result.Findings = append(e.result.Findings, Finding{OK: true, Zh: good.Zh, En: good.En})
		return true
	}
	var f *Flaw
	if !errors.As(err, &f) {
		f = flaw("内部错误", "internal error")
	}
	e.result.Findings = append(e.result.Findings, Finding{Zh: bad.Zh + "：" + f.Zh, En: bad.En + ": " + f.En})
	return false
}

func (e *examination) open(data []byte) bool {
	var err error
	e.file, err = decode[File](data, maxFile)
	switch {
	case err != nil:
	case e.file.Type != fileType || e.file.Version != version:
		err = flaw("类型或版本未知", "its type or version is not known")
	case len(e.file.Signatures) != len(roles) || len(e.file.Bindings) != len(roles):
		err = flaw("应恰有用工主体和队伍所有方的两个签名及其密钥证明", "it must hold exactly two signatures, the employer's and the owner's, and the statements on their keys")
	}
	return e.find(err, Flaw{"文件格式正确，逐字节为规范形式", "the file is well formed, canonical to the byte"},
		Flaw{"文件不是完好的协议文件", "this is no sound agreement file"})
}

func (e *examination) readContract() bool {
	var err error
	if e.payload, err = unb64(e.file.Payload); err == nil {
		e.contract, err = ParseContract(e.payload)
	}
	if err == nil {
		e.summary = summarise(&e.contract)
	}
	return e.find(err, Flaw{"协议正文为规范形式，条款与其摘要一致，载明不含劳务派遣", "the contract is canonical, its terms are those of their hash, and it says that it is no labour dispatch"},
		Flaw{"协议正文不成立", "the contract is not right"})
}

// sideWords name a side.
func sideWords(r matching.Role) Flaw {
	if r == matching.Employer {
		return Flaw{"用工主体", "the employer"}
	}
	return Flaw{"队伍所有方", "the team's owner"}
}

func (e *examination) checkSignatures() bool {
	all := true
	for i, r := range roles {
		s, b := e.file.Signatures[i], e.file.Bindings[i]
		h, err := parseHeader(s.Protected)
		if err == nil {
			err = h.names(r, e.contract.party(r).ID, b.Person)
		}
		if err == nil {
			err = verifySignature(string(e.payload), h, s.Protected, s.Signature, b)
		}
		e.headers = append(e.headers, h)
		w := sideWords(r)
		all = e.find(err, Flaw{w.Zh + "的签名成立，且由其本人的设备密钥作出", w.En + "'s signature holds, and is by the signer's own device key"},
			Flaw{w.Zh + "的签名不成立", w.En + "'s signature does not hold"}) && all
	}
	return all
}

func (e *examination) checkStatement() bool {
	var err error
	e.result.PlatformKey = e.file.Platform.Key.thumbprint()
	if e.statement, err = e.file.Platform.verify(); err == nil {
		err = e.covers()
	}
	return e.find(err, Flaw{"平台会签成立，并覆盖正文、两个签名、密钥证明和时间", "the house's countersignature holds, and covers the contract, both signatures, the statements on the keys and the times"},
		Flaw{"平台会签不成立", "the house's countersignature does not hold"})
}

// covers refuses a statement that is not about all of the file.
func (e *examination) covers() error {
	want := Statement{
		Type: statementType, Version: version, Agreement: ID(e.contract.Handshake), Handshake: e.contract.Handshake,
		PayloadSHA256: sum(e.payload), SignedAt: e.statement.SignedAt,
	}
	if len(e.statement.Signatures) != len(roles) {
		return flaw("会签没有覆盖两个签名", "it does not cover both signatures")
	}
	for i, s := range e.file.Signatures {
		want.Signatures = append(want.Signatures, Received{
			Role: roles[i], Party: e.headers[i].Party, Person: e.headers[i].Signer,
			SHA256: sum(detached(s.Protected, s.Signature)), At: e.statement.Signatures[i].At,
		})
	}
	bindings, err := canonical(e.file.Bindings)
	if err != nil {
		return err
	}
	want.BindingsSHA256 = sum(bindings)
	a, errA := canonical(want)
	b, errB := canonical(e.statement)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		return flaw("会签的内容与文件不符", "what it says is not what the file holds")
	}
	return nil
}

func (e *examination) checkTimes() bool {
	var last time.Time
	var err error
	for i, s := range e.statement.Signatures {
		if err == nil {
			err = e.headers[i].shownAt(s.At)
		}
		if err == nil && s.At.Before(e.file.Bindings[i].ActiveFrom) {
			err = flaw("签名早于密钥可用的时间", "a signature was received before its key was usable")
		}
		if s.At.After(last) {
			last = s.At
		}
	}
	if err == nil && (!last.Equal(e.statement.SignedAt) || last.IsZero()) {
		err = flaw("签署时间不是最后一个签名收到的时间", "the time of signing is not that of the second signature")
	}
	e.summary.signed(e.statement.SignedAt)
	return e.find(err, Flaw{"展示、签名、签署的时间先后相符", "the times at which it was shown, signed and concluded go together"},
		Flaw{"时间不相符", "the times do not go together"})
}

// checkTrust asks whether the key of the countersignature is the house's.
func (e *examination) checkTrust() bool {
	kid := e.result.PlatformKey
	if len(e.trusted.Keys) == 0 {
		e.result.Findings = append(e.result.Findings, Finding{
			OK: true, ByHand: true,
			Zh: "没有提供平台公钥，不能自动确认会签方就是本平台。请将此指纹与平台公布的公钥指纹逐字核对：" + kid,
			En: "no keys of the house were given, so it is not known whether the house made the countersignature. Compare this fingerprint, character by character, with the one that the house publishes: " + kid,
		})
		return true
	}
	public, err := e.file.Platform.Key.ed25519()
	if err == nil && !contains(e.trusted, public) {
		err = flaw("会签密钥不在给定的平台公钥之中，其指纹为"+kid, "its key is none of the house's keys that were given; its fingerprint is "+kid)
	}
	e.result.Trusted = err == nil
	return e.find(err, Flaw{"会签密钥是给定的平台公钥之一", "the countersignature is by one of the house's keys that were given"},
		Flaw{"会签方不是本平台", "the countersignature is not the house's"})
}

func contains(set jose.JSONWebKeySet, public ed25519.PublicKey) bool {
	for _, k := range set.Keys {
		if have, ok := k.Key.(ed25519.PublicKey); ok && have.Equal(public) {
			return true
		}
	}
	return false
}

// trusting gives the trusted set of one key.
func trusting(k JWK) jose.JSONWebKeySet {
	public, err := k.ed25519()
	if err != nil {
		return jose.JSONWebKeySet{}
	}
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: k.Kid, Algorithm: k.Alg, Use: k.Use}}}
}

func (e *examination) checkDisclosed() bool {
	good := Flaw{"披露的身份信息与协议中的承诺值一致", "the personal data disclosed are those that the agreement commits to"}
	if len(e.file.Disclosures) == 0 {
		good = Flaw{"本文件不含身份信息的披露，协议中只有其承诺值", "this file discloses no personal data; the agreement holds commitments to them"}
	}
	return e.find(checkDisclosures(&e.contract, e.file.Disclosures), good, Flaw{"披露的身份信息不成立", "the disclosures are not right"})
}
