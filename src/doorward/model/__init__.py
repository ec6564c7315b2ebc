"""The nouns: frozen values that cross a package border. Imports nothing else of Doorward."""
