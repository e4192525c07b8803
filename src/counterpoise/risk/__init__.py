"""What a book would lose: P&L arrays, their aggregation over accounts, sensitivities."""
