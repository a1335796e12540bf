package market

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"hezuo/fault"
	"hezuo/identity"
)

// creditCodeAlphabet is GB 32100-2015's, each character at its value. It
// leaves out I, O, S, V and Z, which are easily misread.
const creditCodeAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

const creditCodeLength = 18

// NormaliseCreditCode brings what a person typed or pasted to the form that
// [ValidateCreditCode] accepts: upper case, half width, without spaces and
// invisible marks. It corrects no wrong character.
func NormaliseCreditCode(s string) string {
	return strings.ToUpper(identity.Narrow(s))
}

// ValidateCreditCode checks a unified social credit code (统一社会信用代码)
// against GB 32100-2015: length, alphabet, the digits of the registering
// authority's region, and the check character. Any one wrong character and
// any two neighbours swapped are found.
//
// It does not check the older check digit of the organisation code in
// characters 9 to 17 (GB 11714), since wrongly refusing a cooperative is worse
// than passing a slip that the business licence shows anyway; nor does it know
// whether the organisation exists. The error is a fault on the field
// credit_code.
func ValidateCreditCode(s string) error {
	if n := utf8.RuneCountInString(s); n != creditCodeLength {
		return creditCodeFault(fmt.Sprintf("The credit code has %d characters, not 18.", n),
			"Copy all 18 from the business licence, without spaces.")
	}
	check, err := creditCodeCheck(s)
	if err != nil {
		return err
	}
	// The fitting character is not told: who swaps it in hides the real slip.
	if s[17] != check {
		return creditCodeFault("The credit code's last character does not fit the 17 before it, so at least one character is wrong.",
			"Compare all 18 with the business licence.")
	}
	return nil
}

// IsCooperativeCode reports whether a credit code is of a farmers' specialised
// cooperative: 9 for market regulation, 3 for cooperatives. It does not
// validate the code. A labour cooperative registered in another form has
// another beginning, so this is a hint and no proof.
func IsCooperativeCode(s string) bool {
	return strings.HasPrefix(s, "93")
}

// CreditCodeCheck returns the check character for the first 17 characters of
// a credit code, for making codes that [ValidateCreditCode] accepts.
func CreditCodeCheck(first17 string) (byte, error) {
	if n := utf8.RuneCountInString(first17); n != creditCodeLength-1 {
		return 0, creditCodeFault(fmt.Sprintf("There are %d characters before the check character, not 17.", n),
			"Give the first 17 characters alone.")
	}
	return creditCodeCheck(first17)
}

// creditCodeCheck looks at every character of s, of which there are 17 or 18,
// and computes the check character of the first 17.
func creditCodeCheck(s string) (byte, error) {
	sum, weight, position := 0, 1, 0
	for _, r := range s {
		position++
		value := strings.IndexRune(creditCodeAlphabet, r)
		if value < 0 {
			return 0, creditCodeFault(fmt.Sprintf("Character %d of the credit code is %q, which no credit code has.", position, r),
				creditCodeFix(r))
		}
		if value > 9 && 3 <= position && position <= 8 {
			return 0, creditCodeFault(fmt.Sprintf("Character %d of the credit code is %q, where the region's code has a digit.", position, r),
				"Compare characters 3 to 8 with the business licence: all are digits.")
		}
		if position < creditCodeLength {
			sum += value * weight
			weight = weight * 3 % 31
		}
	}
	// Without this a row of eighteen zeros, which people fill forms with, fits.
	if s[0] == '0' {
		return 0, creditCodeFault("The credit code begins with 0, which stands for no registering authority.",
			"Copy the code from the business licence; a cooperative's begins with 93.")
	}
	return creditCodeAlphabet[(31-sum%31)%31], nil
}

// creditCodeFix says what was most likely meant by a character that no credit
// code has.
func creditCodeFix(r rune) string {
	const misread = "I1O0S5VUZ2"
	if i := strings.IndexRune(misread, unicode.ToUpper(r)); i >= 0 && i%2 == 0 {
		return fmt.Sprintf("The letters I, O, S, V and Z are not used; look whether it is %c.", misread[i+1])
	}
	if 'a' <= r && r <= 'z' {
		return "Write the letters as capitals."
	}
	return "Use digits and capital letters only, without spaces, half width."
}

func creditCodeFault(message, fix string) error {
	return fault.Field("credit_code", message, fix)
}
