package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hezuo/fault"
)

// GB 11643-1999's own examples: nobody's numbers.
const (
	exampleIdentity = "11010519491231002X"
	exampleOldest   = "440524188001010014"
)

func TestValidateIdentityNumber(t *testing.T) {
	tests := []struct {
		name, number, message string // an empty message: the number is good
	}{
		{"the standard's example", exampleIdentity, ""},
		{"the standard's second example", exampleOldest, ""},
		{"29 February of a leap year", withCheck("37150220000229001"), ""},
		{"empty", "", "18 characters"},
		{"old, of 15 digits", "110105491231002", "18 characters"},
		{"19 digits", exampleOldest + "0", "18 characters"},
		{"full-width, 54 bytes", "１１０１０５１９４９１２３１００２Ｘ", "18 characters"},
		{"a letter", "1101051949123100AX", "other than a digit"},
		{"18 bytes of Chinese", "身份证号码错", "other than a digit"},
		{"29 February of another year", withCheck("37150219000229001"), "does not exist"},
		{"31 April", withCheck("37150219900431001"), "does not exist"},
		{"month 13", withCheck("37150219901301001"), "does not exist"},
		{"day 0", withCheck("37150219900100001"), "does not exist"},
		{"year 1799", withCheck("37150217991231001"), "does not exist"},
		{"small x", strings.ToLower(exampleIdentity), "does not fit"},
		{"wrong check", "110105194912310021", "does not fit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ValidateIdentityNumber(tt.number)
			if tt.message == "" {
				checkFault(t, err, "")
				return
			}
			checkFault(t, err, "identity_number")
			if err != nil && !strings.Contains(err.Error(), tt.message) {
				t.Errorf("said %q, want %q in it", err, tt.message)
			}
		})
	}
}

func TestNormaliseIdentityNumber(t *testing.T) {
	for _, s := range []string{exampleIdentity, " 110105 19491231 002x ", "１１０１０５１９４９１２３１００２ｘ", "\u202d11010519491231002X\u202c"} {
		if got := NormaliseIdentityNumber(s); got != exampleIdentity {
			t.Errorf("%q was normalised to %q", s, got)
		}
	}
}

func TestIdentityNumberFindsSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		born := time.Date(1930, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 30_000).Draw(t, "days"))
		number := withCheck(fmt.Sprintf("%06d%s%03d", rapid.IntRange(110_000, 659_999).Draw(t, "region"),
			born.Format("20060102"), rapid.IntRange(0, 999).Draw(t, "order")))
		if err := ValidateIdentityNumber(number); err != nil {
			t.Fatal(err)
		}
		// 11 is prime, no weight is a multiple of it, and neighbours differ.
		for i := range len(number) {
			for _, c := range []byte("0123456789Xx") {
				if c != number[i] && ValidateIdentityNumber(number[:i]+string(c)+number[i+1:]) == nil {
					t.Fatalf("%s passed with %c at %d", number, c, i)
				}
			}
			if i > 0 && number[i-1] != number[i] && ValidateIdentityNumber(number[:i-1]+number[i:i+1]+number[i-1:i]+number[i+1:]) == nil {
				t.Fatalf("%s passed with characters %d and %d swapped", number, i, i+1)
			}
		}
	})
}

func TestNormalisePhone(t *testing.T) {
	const want = "13800138000"
	for _, s := range []string{
		want, " 138 0013 8000 ", "138-0013-8000", "138–0013—8000", "+86 138 0013 8000", "+8613800138000",
		"8613800138000", "86-138-0013-8000", "0086 13800138000", "１３８００１３８０００", "＋８６　１３８－００１３－８０００",
		"\u202d13800138000\u202c",
	} {
		if got := NormalisePhone(s); got != want {
			t.Errorf("NormalisePhone(%q) = %q", s, got)
		}
	}
	// What is no mobile number of the mainland stays none.
	for _, s := range []string{"", "+86", "86", "+85291234567", "+1 415 555 0100", "0635-8240000", "8613800138", "86138001380", "+86 0635 8240000"} {
		if got := NormalisePhone(s); ValidatePhone(got) == nil {
			t.Errorf("%q became the valid %q", s, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\+86|0086|86){0,3}[ -]?1[0-9]{8,12}`)).Draw(t, "text")
		if once := NormalisePhone(s); NormalisePhone(once) != once {
			t.Fatalf("%q was normalised to %q and then %q", s, once, NormalisePhone(once))
		}
	})
}

func TestValidatePhone(t *testing.T) {
	for phone, good := range map[string]bool{
		"13800138000":  true,
		"19912345678":  true,
		"16600000000":  true,
		"":             false,
		"1380013800":   false,
		"138001380000": false,
		"12800138000":  false,
		"10086000000":  false,
		"23800138000":  false,
		"1380013800a":  false,
		"138 0013800":  false,
		"1380013800０":  false,
		"1:800138000":  false, // ':' follows '9'
	} {
		field := "phone"
		if good {
			field = ""
		}
		checkFault(t, ValidatePhone(phone), field)
	}
}

// An error gets into logs, so its sentences must be the same whatever was
// typed. These are all there are.
func TestErrorsHoldNoPersonalData(t *testing.T) {
	var said []string
	for _, bad := range []string{"", "1101051949123100AX", "110105194913310021", "110105194912310021"} {
		said = append(said, sentences(ValidateIdentityNumber(bad)))
	}
	said = append(said, sentences(ValidatePhone("")))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{17}[0-9Xx]`), rapid.StringMatching(`[1-6][0-9]{5}(19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]`),
			rapid.StringMatching(`1[0-9]{9,11}`)).Draw(t, "text")
		for _, err := range []error{ValidateIdentityNumber(s), ValidatePhone(s)} {
			if err != nil && !slices.Contains(said, sentences(err)) {
				t.Fatalf("%q brought a new sentence: %v", s, err)
			}
		}
	})
}

// sentences is everything that a fault says, and would say to a log.
func sentences(err error) string {
	f := fault.All(err)[0]
	return err.Error() + "|" + f.Message + "|" + f.Fix
}

// withCheck appends the check character, by the standard's other formula: the
// digits weighted by the powers of 2 and the check sum to 1 modulo 11.
func withCheck(first17 string) string {
	sum := 0
	for _, c := range first17 {
		sum = (sum + int(c-'0')) * 2 % 11
	}
	return first17 + string("0123456789X"[(12-sum)%11])
}

// checkFault checks that err is nil where field is empty, and otherwise a
// complete fault on the field.
func checkFault(t testing.TB, err error, field string) {
	t.Helper()
	faults := fault.All(err)
	switch {
	case field == "":
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case len(faults) != 1:
		t.Errorf("got %v, want one fault on %s", err, field)
	case faults[0].Code != fault.Invalid || faults[0].Field != field || faults[0].Message == "" || faults[0].Fix == "":
		t.Errorf("got %+v, want a fault on %s with a message and a fix", faults[0], field)
	}
}
