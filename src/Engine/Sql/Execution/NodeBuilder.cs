using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>Makes expressions executable: shares equal ones within a frame, and gives lazy parts frames of their own.</summary>
internal sealed class NodeBuilder(QueryContext context, IReadOnlyList<InputColumn> inputs) : IDisposable
{
    private readonly ExpressionIdentity _identity = new();
    private readonly List<IDisposable> _owned = [];

    public Scope CreateScope(Scope? parent)
    {
        var frame = new Frame(context, parent?.Frame);
        _owned.Add(frame);
        return new Scope(frame, parent);
    }

    /// <summary>The same number for expressions that say the same.</summary>
    public int IdentityOf(Expression expression) => _identity.Of(expression);

    public Node Build(Expression expression, Scope scope)
    {
        var identity = _identity.Of(expression);
        if (scope.Nodes.TryGetValue(identity, out var node)) return node;
        node = expression is Expression.Input or Expression.Literal ? null : Carry(identity, expression.Type, scope);
        if (node is null)
        {
            node = Create(expression, scope);
            _owned.Add(node);
            scope.Nodes[identity] = node;
        }
        return node;
    }

    /// <summary>The element of an UNNEST, whose rows the scope is.</summary>
    public ElementNode CreateElement(PlanStep.Unnest unnest, Scope scope)
    {
        var type = unnest.Operand.Type.ElementType().OrNull();
        var node = new ElementNode(scope.Frame, type, context.Account);
        _owned.Add(node);
        scope.Nodes[_identity.Of(new Expression.Element(unnest.Number, type))] = node;
        return node;
    }

    /// <summary>The node of an enclosing frame that has the values already, brought to this frame; null where there is none.</summary>
    private Node? Carry(int identity, DataType type, Scope scope)
    {
        if (scope.Nodes.TryGetValue(identity, out var node)) return node;
        if (scope.Parent is null || Carry(identity, type, scope.Parent) is not { } source) return null;
        node = new CarriedNode(scope.Frame, source, type, context.Account);
        _owned.Add(node);
        scope.Nodes[identity] = node;
        return node;
    }

    private Node Create(Expression expression, Scope scope) => expression switch
    {
        Expression.Input input => new InputNode(scope.Frame, IndexOf(input.Source)),
        Expression.Literal literal => new LiteralNode(scope.Frame, literal.Value, context.Account),
        Expression.Apply apply => new ApplyNode(scope.Frame, apply, [.. apply.Arguments.Select(argument => Build(argument, scope))], context),
        Expression.Retype retype => new RetypeNode(scope.Frame, Build(retype.Operand, scope)),
        Expression.FieldOf access => new FieldNode(scope.Frame, Build(access.Operand, scope), access.Index),
        Expression.Junction junction => CreateJunction(junction, scope),
        Expression.Choice choice => CreateChoice(choice, scope),
        Expression.Json json => CreateJson(json, scope),
        _ => throw new InvalidOperationException($"No node evaluates {expression.GetType().Name}."),
    };

    private int IndexOf(InputColumn column)
    {
        for (var i = 0; i < inputs.Count; i++)
            if (inputs[i] == column) return i;
        throw new InvalidOperationException($"The plan lists no input {column.Name}.");
    }

    private JunctionNode CreateJunction(Expression.Junction junction, Scope scope)
    {
        var operands = new (Node, Frame?)[junction.Operands.Length];
        for (var i = 0; i < operands.Length; i++) operands[i] = BuildLazily(junction.Operands[i], scope, isFirst: i == 0);
        return new JunctionNode(scope.Frame, junction.IsAnd, operands, context);
    }

    /// <summary>A part that cannot fail is evaluated over all rows, for that is cheaper than picking rows.</summary>
    private (Node Node, Frame? Reached) BuildLazily(Expression expression, Scope scope, bool isFirst = false)
    {
        if (isFirst || !expression.CanFail) return (Build(expression, scope), null);
        var inner = CreateScope(scope);
        return (Build(expression, inner), inner.Frame);
    }

    private ChoiceNode CreateChoice(Expression.Choice choice, Scope scope)
    {
        var branches = new ChoiceBranch[choice.Branches.Length + 1];
        for (var i = 0; i < choice.Branches.Length; i++)
        {
            var (when, whenReached) = BuildLazily(choice.Branches[i].When, scope, isFirst: i == 0);
            var (then, thenReached) = BuildValue(choice.Branches[i].Then, scope);
            branches[i] = new ChoiceBranch(when, whenReached, then, thenReached);
        }
        var (otherwise, otherwiseReached) = BuildValue(choice.Otherwise, scope);
        branches[^1] = new ChoiceBranch(null, null, otherwise, otherwiseReached);
        return new ChoiceNode(scope.Frame, branches, choice.Type, context);
    }

    private (Node Node, Frame? Reached) BuildValue(Expression expression, Scope scope)
    {
        if (expression is Expression.Input or Expression.Literal) return (Build(expression, scope), null);
        var inner = CreateScope(scope);
        return (Build(expression, inner), inner.Frame);
    }

    private JsonNode CreateJson(Expression.Json json, Scope scope)
    {
        var document = _identity.Of(json.Document);
        if (!scope.JsonGroups.TryGetValue(document, out var group))
        {
            group = new JsonGroup(scope.Frame, Build(json.Document, scope));
            scope.JsonGroups[document] = group;
        }
        return JsonNode.Create(scope.Frame, group, json.Question, context.Account);
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
        _owned.Clear();
    }
}
