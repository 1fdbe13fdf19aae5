using System.Text;
using Matih.Host.Output;

namespace Matih.Engine.Tests.Host;

/// <summary>
/// A terminal's window: what a person would see of what was written. Knows the sequences that <see cref="Terminal"/> uses and
/// fails at any other. A window that becomes narrower wraps its lines, as most terminals do, or cuts them, as xterm does.
/// </summary>
internal sealed class FakeTerminal(int width, int height, bool wrapsOnResize = true) : TextWriter
{
    /// <summary>Rows, those that scrolled out included; a row that the next one continues is marked.</summary>
    private readonly List<(StringBuilder Text, bool IsContinued)> _rows = [(new StringBuilder(), false)];

    private int _row, _column;

    public override Encoding Encoding => Encoding.UTF8;

    public TerminalSize Size { get; private set; } = new(width, height);

    /// <summary>All rows that were ever on the screen, without blanks at their ends.</summary>
    public IReadOnlyList<string> Rows => [.. _rows.Select(row => row.Text.ToString().TrimEnd())];

    /// <summary>The same as one text, rows joined that only the window's edge parts.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder();
            foreach (var (row, isContinued) in _rows) text.Append(isContinued ? row.ToString() : row.ToString().TrimEnd() + "\n");
            return text.ToString().TrimEnd('\n');
        }
    }

    public override void Write(char value) => Write(value.ToString());

    public override void Write(StringBuilder? value) => Write(value?.ToString());

    public override void Write(string? value)
    {
        var text = value ?? "";
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\r':
                    _column = 0;
                    break;
                case '\n':
                    _column = 0;
                    NextRow();
                    break;
                case '\e':
                    var end = text.AsSpan(i).IndexOfAnyInRange('A', 'Z') is >= 0 and var upper ? upper : int.MaxValue;
                    if (text.AsSpan(i).IndexOf('m') is >= 0 and var style) end = Math.Min(end, style);
                    Control(text.Substring(i + 1, end));
                    i += end;
                    break;
                default:
                    Put(text[i]);
                    break;
            }
        }
    }

    public override void WriteLine(string? value) => Write(value + "\n");

    /// <summary>What a person types is echoed by the terminal, its Enter too.</summary>
    public void Type(string line) => Write(line + "\n");

    public void Resize(int newWidth, int newHeight)
    {
        if (newWidth < Size.Width)
        {
            for (var i = 0; i < _rows.Count; i++)
            {
                var row = _rows[i].Text;
                if (row.Length <= newWidth) continue;
                if (wrapsOnResize)
                {
                    _rows.Insert(i + 1, (new StringBuilder(row.ToString(newWidth, row.Length - newWidth)), _rows[i].IsContinued));
                    _rows[i] = (row, true);
                    if (_row > i) _row++;
                }
                row.Length = newWidth;
            }
        }
        Size = new TerminalSize(newWidth, newHeight);
    }

    private void Control(string sequence)
    {
        switch (sequence)
        {
            case [.., 'm']:
                break;
            case ['[', .. var count, 'F']:
                _column = 0;
                _row = Math.Max(_row - int.Parse(count, System.Globalization.CultureInfo.InvariantCulture), Math.Max(0, _rows.Count - Size.Height));
                break;
            case "[J":
                _rows.RemoveRange(_row + 1, _rows.Count - _row - 1);
                _rows[_row].Text.Length = Math.Min(_rows[_row].Text.Length, _column);
                _rows[_row] = (_rows[_row].Text, false);
                break;
            default:
                throw new InvalidOperationException($"The terminal knows no sequence ESC {sequence}.");
        }
    }

    private void Put(char character)
    {
        if (_column == Size.Width)
        {
            _rows[_row] = (_rows[_row].Text, true);
            _column = 0;
            NextRow();
        }
        var row = _rows[_row].Text;
        if (_column < row.Length) row[_column] = character;
        else row.Append(character);
        _column++;
    }

    private void NextRow()
    {
        if (++_row == _rows.Count) _rows.Add((new StringBuilder(), false));
    }
}
