"""What an operator may do, one module per noun; every change is permitted, and in the audit log before it is made."""
