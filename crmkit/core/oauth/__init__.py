"""An app signs in: who it says it is, the pages that a person passes, the code that it redeems for a token."""
