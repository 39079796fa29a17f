"""The routes of Klozeo's API: thin handlers, a module for each thing that they are about."""
